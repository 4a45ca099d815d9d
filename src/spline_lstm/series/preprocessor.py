"""What `preprocessor.pkl` holds: all that turns a new table into the windows of a run, and how it is read."""

from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from spline_lstm.series.bundle_format import ARTIFACT_VERSION
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.covariates import Features
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.scaling import SeriesScalers
from spline_lstm.series.schema import CalendarFeatures, CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowSpec, make_ages, make_window_ages
from spline_lstm.spec import Flag, Names, Spec, StrictFloat, StrictInt, Text
from spline_lstm.types import Int64


def make_preprocessor(
    processed_id: str,
    features: Features,
    filled: FilledSeries,
    schema: CovariateSchema,
    table: TableSpec,
    windows: WindowSpec,
) -> dict[str, Any]:
    """All that is needed, with the model, to forecast a new table: builtins only."""
    reading = filled.grid.reading
    state = {
        "run_id": processed_id,
        "schema_version": ARTIFACT_VERSION,
        "feature_schema": schema.model_dump(mode="json"),
        "feature_order": list(features.names),
        "known_ahead": list(features.ahead),
        "scalers": {name: dict(state) for name, state in features.states.items()},
        "static_codes": features.static_codes,
        "table": table.model_dump(mode="json"),
        "series_id_cols": list(filled.grid.columns.series_id),
        "freq": filled.grid.frequency.alias,
        "time_format": reading.time_format,
        "has_offsets": reading.has_offsets,
        "spline": {"kind": "modified_akima", "stencil": 3},
        "fills": filled.spec.model_dump(mode="json"),
        "windows": windows.model_dump(mode="json") | {"lookback_span": windows.lookback},
    }
    if features.series_scales is not None:
        grid = filled.grid
        state["series_scalers"] = features.series_scales.to_state(grid.columns.targets, grid.series_names)
    if features.static_codes:
        targets = features.scaled[filled.borders.is_train()][:, : len(filled.grid.columns.targets)]
        state["target_range"] = np.stack([targets.min(axis=0), targets.max(axis=0)], axis=1).tolist()
    return state


class Preprocessor(Spec):
    """What `preprocessor.pkl` holds, checked: how a run's table became windows."""

    model_config = ConfigDict(extra="ignore")

    run_id: Text
    """Id of the preprocessed data."""
    feature_schema: CovariateSchema
    """The schema as the run used it."""
    feature_order: Names
    """Names of the features in the order of `X`."""
    known_ahead: Names
    """Features that describe the horizon rather than the past."""
    scalers: dict[str, dict[str, Any]]
    """Feature to its scaler: `center` and `scale`, or the `categories` that are ranked."""
    series_scalers: SeriesScalers = Field(default_factory=dict)
    """Target to series to its centre and scale; empty where all series share the scaler of the target."""
    static_codes: dict[str, dict[str, list[float]]]
    """Static covariate to the code of each category."""
    table: TableSpec
    """Which columns were used."""
    series_id_cols: Names
    """Columns that tell series apart."""
    freq: Text
    """The step, as a pandas offset."""
    time_format: Text | None = None
    """Format of the time axis; None, in earlier files: ISO 8601."""
    target_range: tuple[tuple[StrictFloat, StrictFloat], ...] | None = None
    """Least and greatest scaled target in the training part, where static covariates enter X: what a series of an
    unknown category is kept within."""
    has_offsets: Flag | None = None
    """Whether the timestamps have an offset from UTC; None, in earlier files: not recorded."""
    fills: FillSpec
    """How much may be missing."""
    windows: WindowSpec
    """Window lengths, with the `lookback_span` that was decided."""
    past_ages: tuple[Annotated[StrictInt, Field(ge=0)], ...] | None = None
    """Steps before the origin of the rows that show the past; None, in earlier files: ever farther apart."""

    @field_validator("past_ages")
    @classmethod
    def _check_past_ages(cls, ages: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        windows = info.data.get("windows")
        falling = ages is None or (ages[-1:] == (0,) and all(one > next_ for one, next_ in pairwise(ages)))
        if not falling or (ages is not None and windows is not None and len(ages) != windows.lookback):
            raise ValueError("one age for each row of the lookback is needed, falling to 0")
        return ages

    @property
    def multivariate(self) -> bool:
        """Whether covariates enter X."""
        return self.table.feature_mode == "multivariate"

    @property
    def schema_in_use(self) -> CovariateSchema:
        """What enters X: nothing beside the targets in univariate mode."""
        if self.multivariate:
            return self.feature_schema
        nothing = {"dynamic_covariates": (), "seasonal_lags": (), "calendar_features": CalendarFeatures(enabled=False)}
        return self.feature_schema.model_copy(update=nothing)

    @property
    def ages(self) -> Int64:
        """Steps before the origin that each row of a window lies, `(lookback, F_total)`."""
        past = make_ages(self.windows.lookback, self.span) if self.past_ages is None else np.array(self.past_ages)
        return make_window_ages(past, self.feature_order, self.known_ahead)

    @property
    def span(self) -> int:
        """Steps that the rows of a window are spread over."""
        return int(self.windows.lookback_span)

    @property
    def history(self) -> int:
        """Steps up to the origin that a forecast needs: the lookback, and what its oldest seasonal lag shows."""
        lags = self.schema_in_use.seasonal_lags
        return self.windows.lookback + max([lag - self.windows.horizon for lag in lags], default=0)
