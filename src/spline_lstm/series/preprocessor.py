"""The preprocessor of a run: everything that turns a new table into windows."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from spline_lstm.errors import ParameterError
from spline_lstm.series.bundle_format import ARTIFACT_VERSION
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.features import Features
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.frequency import parse_frequency
from spline_lstm.series.schema import CalendarFeatures, CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.time_formats import check_format
from spline_lstm.series.windows import WindowSpec, make_ages, make_window_ages
from spline_lstm.spec import Flag, Name, Names, Spec, StrictFloat, StrictInt, Text
from spline_lstm.types import Int64


def make_preprocessor(
    processed_id: str,
    features: Features,
    filled: FilledSeries,
    schema: CovariateSchema,
    table: TableSpec,
    windows: WindowSpec,
) -> dict[str, Any]:
    """The contents of `preprocessor.pkl`: what a forecast needs beside the model, as builtins only."""
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


MOST = 1e30
"""Largest centre or scale that a table can have."""
Center = Annotated[StrictFloat, Field(ge=-MOST, le=MOST)]
Positive = Annotated[StrictFloat, Field(gt=0, le=MOST)]


class Scale(Spec):
    """How the values of a feature were scaled: `(value - center) / scale`."""

    kind: Literal["standard", "robust", "minmax", "none"]
    center: Center
    scale: Positive


class Ranks(Spec):
    """The ranks of a feature's labels."""

    kind: Literal["ordinal"]
    categories: tuple[Name, ...]


def _check_frequency(alias: str) -> str:
    try:
        parse_frequency(alias)
    except ParameterError:
        raise ValueError("the step of a time axis is needed") from None
    return alias


class Preprocessor(Spec):
    """The checked contents of `preprocessor.pkl`: how a run's table became windows."""

    model_config = ConfigDict(extra="ignore")

    run_id: Text
    """Id of the preprocessed data."""
    feature_schema: CovariateSchema
    """The schema as the run used it."""
    feature_order: Names
    """Names of the features in the order of `X`."""
    known_ahead: Names
    """Features that describe the horizon rather than the past."""
    scalers: dict[Name, Annotated[Scale | Ranks, Field(discriminator="kind")]]
    """Feature to its scaler (`center` and `scale`) or to its ranked `categories`."""
    series_scalers: dict[Name, dict[Name, tuple[Center, Positive]]] = Field(default_factory=dict)
    """Centre and scale by target and series; empty if all series share the scaler of the target."""
    static_codes: dict[Name, dict[Name, list[StrictFloat]]]
    """Static covariate to the code of each category."""
    table: TableSpec
    """Which columns were used."""
    series_id_cols: Names
    """Columns that tell series apart."""
    freq: Annotated[Text, AfterValidator(_check_frequency)]
    """The step, as a pandas offset."""
    time_format: Annotated[Text, AfterValidator(check_format)] | None = None
    """Format of the time axis; None, in earlier files: ISO 8601."""
    target_range: tuple[tuple[StrictFloat, StrictFloat], ...] | None = None
    """Least and greatest scaled target in the training part, if static covariates enter X; forecasts for an unknown
    category stay within this range.
    """
    has_offsets: Flag | None = None
    """Whether the timestamps have an offset from UTC; None, in earlier files: not recorded."""
    fills: FillSpec
    """How much may be missing."""
    windows: WindowSpec
    """Window lengths, with the chosen `lookback_span`."""
    mean_ranges: dict[Name, tuple[StrictFloat, StrictFloat]] = Field(default_factory=dict)
    """Feature to the least and the greatest mean of its scaled values over `lookback` steps of the training part, to
    detect drift in a new table; empty in earlier files.
    """
    past_ages: tuple[Annotated[StrictInt, Field(ge=0)], ...] | None = None
    """Steps before the origin of the rows that show the past; None, in earlier files: the ages of `make_ages`."""

    @field_validator("past_ages")
    @classmethod
    def _check_past_ages(cls, ages: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        windows = info.data.get("windows")
        falling = ages is None or (ages[-1:] == (0,) and all(one > next_ for one, next_ in pairwise(ages)))
        if not falling or (ages is not None and windows is not None and len(ages) != windows.lookback):
            raise ValueError("one age for each row of the lookback is needed, falling to 0")
        return ages

    @model_validator(mode="after")
    def _check_features(self) -> Self:
        known = self._known_features
        for name in self.feature_order:
            kind = known.get(name)
            if kind and not isinstance(self.scalers.get(name), kind):
                raise ValueError(f"the feature '{name}' has no scaler, or one of the wrong kind")
        if set(self.known_ahead) != self._shown_early & set(self.feature_order):
            raise ValueError("known_ahead does not name the leads and lags")
        for static in self.feature_schema.static_covariates if self.multivariate else ():
            codes = self.static_codes.get(static.name)
            if codes is None or any(len(code) != static.dim for code in codes.values()):
                raise ValueError(f"the codes of '{static.name}' do not have {static.dim} numbers")
        return self

    @model_validator(mode="after")
    def _check_mean_ranges(self) -> Self:
        if not set(self.mean_ranges) <= set(self.feature_order):
            raise ValueError("mean_ranges names an unknown feature")
        if any(low > high for low, high in self.mean_ranges.values()):
            raise ValueError("mean_ranges holds a range whose ends are in the wrong order")
        return self

    @model_validator(mode="after")
    def _check_targets(self) -> Self:
        count = len(self.target_names)
        ranges = ((0.0, 0.0),) * count if self.target_range is None else self.target_range
        if len(ranges) != count or any(low > high for low, high in ranges):
            raise ValueError("target_range is not one range for each target")
        by_series = self.table.target_scaling == "series"
        if by_series and not set(self.target_names) <= set(self.series_scalers):
            raise ValueError("series_scalers does not hold every target")
        return self

    @property
    def _known_features(self) -> dict[str, type[Scale] | type[Ranks]]:
        """Feature to `ScalerEntry` or `RankEntry`; calendar features and static codes have neither."""
        lead, schema = f"_lead{self.windows.horizon}", self.schema_in_use
        lags = [f"{name}_lag{lag}" for name in self.target_names for lag in schema.lags]
        dynamic = {
            f"{item.name}{lead if item.known_future else ''}": Ranks if item.is_category else Scale
            for item in schema.dynamic_covariates
        }
        return {**dict.fromkeys([*self.target_names, *lags], Scale), **dynamic}

    @property
    def _shown_early(self) -> set[str]:
        """Names of the leads and lags that the schema asks for."""
        schema, lead = self.schema_in_use, f"_lead{self.windows.horizon}"
        known = [item.name for item in schema.dynamic_covariates if item.known_future]
        known += schema.calendar_features.names if schema.calendar_features.known_future else ()
        lags = {f"{name}_lag{lag}" for name in self.target_names for lag in schema.lags}
        return lags | {f"{name}{lead}" for name in known}

    @property
    def states(self) -> dict[str, dict[str, Any]]:
        """The scalers, for `features.make_features`."""
        return {name: state.model_dump(mode="json") for name, state in self.scalers.items()}

    @property
    def target_names(self) -> tuple[str, ...]:
        """The targets, in the order of the outputs."""
        return self.table.target_cols

    @property
    def multivariate(self) -> bool:
        """Whether covariates enter X."""
        return self.table.feature_mode == "multivariate"

    @property
    def schema_in_use(self) -> CovariateSchema:
        """The covariates that enter X; none in univariate mode."""
        if self.multivariate:
            return self.feature_schema
        nothing = {"dynamic_covariates": (), "seasonal_lags": (), "calendar_features": CalendarFeatures(enabled=False)}
        return self.feature_schema.model_copy(update=nothing)

    @property
    def ages(self) -> Int64:
        """Steps from each row of a window to the origin, `(lookback, F_total)`."""
        past = make_ages(self.windows.lookback, self.span) if self.past_ages is None else np.array(self.past_ages)
        return make_window_ages(past, self.feature_order, self.known_ahead)

    @property
    def span(self) -> int:
        """How many steps back the rows of a window reach."""
        return int(self.windows.lookback_span)

    @property
    def history(self) -> int:
        """Steps up to the origin that a forecast needs: the lookback, and the oldest step that a seasonal lag shows."""
        lags = self.schema_in_use.lags
        return self.windows.lookback + max([lag - self.windows.horizon for lag in lags], default=0)
