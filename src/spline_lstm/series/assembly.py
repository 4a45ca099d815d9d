"""From filled series to `ModelInput`: the windows that training reads."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from spline_lstm.series.bundle_format import ARTIFACT_VERSION
from spline_lstm.series.columns import Columns, TableSpec
from spline_lstm.series.drift import find_mean_ranges
from spline_lstm.series.features import annual_features_on_short_history, check_leads, make_features
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import make_preprocessor
from spline_lstm.series.scaling import check_target_varies
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.splits import SPLITS
from spline_lstm.series.weaknesses import find_weaknesses
from spline_lstm.series.windows import WindowIndex, WindowSpec, consecutive_ages, make_window_ages, make_window_index
from spline_lstm.types import Bool, Int64

logger = logging.getLogger(__name__)


def make_model_input(
    filled: FilledSeries,
    schema: CovariateSchema,
    table: TableSpec,
    windows: WindowSpec,
    *,
    processed_id: str,
    model_types: tuple[str, ...],
) -> ModelInput:
    """Make features and cut windows of consecutive rows.

    Args:
        filled: Series without gaps.
        schema: What the columns mean.
        table: Which of them are used; `feature_mode` decides what enters X.
        windows: Window lengths.
        processed_id: Id of the result.
        model_types: Models that can be trained on it, for `meta.json`.

    Raises:
        SchemaError: Leads or lags that the window cannot show.
        InsufficientDataError: A split has no window.
        ValuesError: A target is constant in the training part.

    """
    _check_targets_vary(filled)
    multivariate = table.feature_mode == "multivariate"
    schema = _schema_in_use(schema, filled, windows, multivariate=multivariate)
    grid, fills = filled.grid, filled.fills
    features = make_features(
        grid,
        fills,
        filled.borders,
        schema,
        horizon=windows.horizon,
        multivariate=multivariate,
        by_series=table.target_scaling == "series",
    )
    observed: Bool = np.logical_not(fills.is_imputed)
    index = make_window_index(
        grid.series, filled.borders, features.seen_from, np.asarray(observed.any(axis=1)), windows
    )
    count = len(grid.columns.targets)
    ages = consecutive_ages(windows.lookback, len(features.names))
    model_input = ModelInput(
        window_series=grid.series[index.origin],
        window_origin=index.origin,
        window_split=index.split,
        horizon=windows.horizon,
        feature_names=features.names,
        target_indices=tuple(range(count)),
        series_names=grid.series_names,
        scaled=features.scaled,
        ages=ages,
        raw_target=fills.values,
        is_imputed=fills.is_imputed,
        row_series=grid.series,
        row_timestamp=grid.timestamps,
        row_split=filled.borders.row_split(),
    )
    meta = _make_meta(model_input, filled, index, schema, table, windows)
    meta |= {"run_id": processed_id, "model_type_candidates": list(model_types)}
    preprocessor = make_preprocessor(processed_id, features, filled, schema, table, windows)
    preprocessor["mean_ranges"] = find_mean_ranges(features, filled, windows.lookback, windows.horizon)
    return replace(model_input, meta=meta, preprocessor=preprocessor)


def _check_targets_vary(filled: FilledSeries) -> None:
    grid = filled.grid
    is_train = filled.borders.is_train()
    for position, name in enumerate(grid.columns.targets):
        train = grid.values[is_train, position]
        check_target_varies(train[~np.isnan(train)], name, grid.source)


def spread_ages(model_input: ModelInput, past: Int64) -> Int64:
    """Ages of all features, `(lookback, F_total)`: given for those that show the past, consecutive for the others."""
    return make_window_ages(past, model_input.feature_names, model_input.preprocessor["known_ahead"])


def spread_lookback(model_input: ModelInput, past: Int64, choices: dict[str, Any]) -> ModelInput:
    """Choose other ages for the rows of all windows; features that describe the horizon keep theirs.

    Windows, splits and targets stay the same. A row before the start of its series shows the first row.

    Args:
        model_input: Windows of consecutive rows.
        past: Ages of the rows that show the past, falling to 0, shape `(lookback,)`.
        choices: The decisions and their reasons, for `meta.json`.

    """
    span = int(past[0]) + 1
    windows = model_input.preprocessor["windows"] | {"lookback_span": span}
    return replace(
        model_input,
        ages=spread_ages(model_input, past),
        meta=model_input.meta | {"lookback_span": span, "choices": choices},
        preprocessor=model_input.preprocessor | {"windows": windows, "past_ages": past.tolist()},
    )


def _schema_in_use(
    schema: CovariateSchema, filled: FilledSeries, windows: WindowSpec, *, multivariate: bool
) -> CovariateSchema:
    """Narrow the schema to the columns in use; univariate mode drops leads that the window cannot show."""
    grid = filled.grid
    calendar = schema.calendar_features
    if calendar.known_future is None:
        calendar = calendar.model_copy(update={"known_future": windows.horizon <= windows.lookback})
    columns = {"dynamic_covariates": grid.columns.dynamic, "static_covariates": grid.columns.static}
    in_use = schema.model_copy(update={**columns, "calendar_features": calendar, "seasonal_lags": schema.lags})
    if multivariate:
        check_leads(in_use, windows.lookback, windows.horizon)
        annual = annual_features_on_short_history(grid, filled.borders, in_use)
        if annual:
            logger.info(
                "Less than a year of training data: the yearly pattern of %s is extrapolated", " and ".join(annual)
            )
        return in_use
    lags = tuple(lag for lag in schema.lags if lag >= windows.horizon)
    return in_use.model_copy(update={"seasonal_lags": lags})


def _make_meta(
    model_input: ModelInput,
    filled: FilledSeries,
    index: WindowIndex,
    schema: CovariateSchema,
    table: TableSpec,
    windows: WindowSpec,
) -> dict[str, Any]:
    grid, columns = filled.grid, filled.grid.columns
    names = (*columns.targets, *(item.name for item in columns.dynamic))
    missing_shares = [np.count_nonzero(np.isnan(column)) / len(column) for column in grid.values.T]
    multivariate = table.feature_mode == "multivariate"
    steps = np.diff(grid.timestamps)[np.diff(grid.series) == 0]
    weaknesses = find_weaknesses(filled, index, multivariate=multivariate)
    return {
        "schema_version": ARTIFACT_VERSION,
        "feature_mode": table.feature_mode,
        "target_cols": list(columns.targets),
        "dynamic_covariates": _dynamic_names(columns, schema) if multivariate else [],
        "static_covariates": [item.name for item in columns.static] if multivariate else [],
        "feature_names": list(model_input.feature_names),
        "X_shape": list(model_input.X.shape),
        "y_shape": list(model_input.y.shape),
        "f_total": len(model_input.feature_names),
        "f_target": len(columns.targets),
        "lookback": windows.lookback,
        "horizon": windows.horizon,
        "stride": windows.stride,
        "split": {
            "shares": list(windows.split),
            "windows": {name: int((index.split == number).sum()) for number, name in enumerate(SPLITS)},
        },
        "freq": grid.frequency.alias,
        "step_seconds": float(np.mean(steps)) / 1e9,
        "units": {name: schema.units[name] for name in names if name in schema.units} if columns.described else {},
        "source": grid.source,
        "source_sha256": filled.sha256,
        "seen": {
            "series": len(grid.series_names),
            "steps": len(grid.series),
            **dict(zip(("first", "last"), map(str, span_of(grid.timestamps)), strict=True)),
            "absent_rows": grid.absent_rows,
            "trimmed_rows": grid.trimmed_rows,
            "missing_ratio": dict(zip(names, missing_shares, strict=True)),
            "filled_targets": dict(zip(columns.targets, filled.fills.is_imputed.sum(axis=0).tolist(), strict=True)),
            "dropped_windows": index.dropped,
            "absent_covariates": list(columns.absent),
            "extrapolated_features": annual_features_on_short_history(grid, filled.borders, schema)
            if multivariate
            else [],
            **({"repeated_rows": grid.reading.repeated_rows} if grid.reading.repeated_rows else {}),
            **({"weaknesses": weaknesses} if weaknesses else {}),
        },
    }


def span_of(timestamps: Int64) -> tuple[np.datetime64, np.datetime64]:
    """Return the first and the last of some timestamps, to the second."""
    first, last = (
        stamp.astype("datetime64[ns]").astype("datetime64[s]") for stamp in (timestamps.min(), timestamps.max())
    )
    return first, last


def _dynamic_names(columns: Columns, schema: CovariateSchema) -> list[str]:
    """Names of the dynamic channels of X: covariates and seasonal lags."""
    lags = schema.lags if columns.described else ()
    return [
        *(item.name for item in columns.dynamic),
        *(f"{target}_lag{lag}" for lag in lags for target in columns.targets),
    ]
