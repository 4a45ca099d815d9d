"""The covariate schema: what a table's columns mean and how each enters the model."""

import json
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from spline_lstm.errors import SchemaError, examples
from spline_lstm.series.calendar import CALENDAR_FEATURES
from spline_lstm.spec import Flag, Names, Spec, StrictInt, Text

SCHEMA_VERSION = "phase5.v1"

NumberType = Literal["float", "float32", "float64", "int", "int32", "int64", "bool"]
CategoryType = Literal["category", "string"]
Scaler = Literal["standard", "robust", "minmax", "none"]


class DynamicCovariate(Spec):
    """A column that changes over time; one channel of X."""

    name: Text
    dtype: NumberType | CategoryType = "float"
    scaler: Scaler | None = None
    encoding: Literal["ordinal"] | None = None
    required: Flag = True
    known_future: Flag = False

    @property
    def is_category(self) -> bool:
        """Whether the column holds labels, which are ranked, rather than numbers."""
        return self.dtype in ("category", "string")

    @model_validator(mode="after")
    def _check_scaler_or_encoding(self) -> "DynamicCovariate":
        if self.is_category and self.scaler is not None:
            raise ValueError(f"'{self.name}' is a category: it takes encoding 'ordinal', no scaler")
        if not self.is_category and self.encoding is not None:
            raise ValueError(f"'{self.name}' is a number: it takes a scaler, no encoding")
        return self


class StaticCovariate(Spec):
    """A column that is constant within a series; `dim` constant channels of X."""

    name: Text
    dtype: CategoryType = "category"
    encoding: Literal["embedding"] = "embedding"
    dim: Annotated[StrictInt, Field(ge=1, le=64)]
    required: Flag = False


def _check_calendar_names(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in CALENDAR_FEATURES]
    if unknown:
        raise ValueError(f"unknown calendar feature '{unknown[0]}'; allowed: {', '.join(CALENDAR_FEATURES)}")
    return names


class CalendarFeatures(Spec):
    """Features computed from the timestamp alone; `known_future` shows them `horizon` steps ahead."""

    enabled: Flag = True
    features: Annotated[Names, AfterValidator(_check_calendar_names)] = ()
    known_future: Flag = False

    @property
    def names(self) -> tuple[str, ...]:
        """The features in use."""
        return self.features if self.enabled else ()


class MissingPolicy(Spec):
    """What happens to missing values, by kind of column."""

    target: Literal["interpolate_then_drop_if_remaining"] = "interpolate_then_drop_if_remaining"
    dynamic_covariates: Literal["ffill_bfill_then_zero"] = "ffill_bfill_then_zero"
    static_covariates: Literal["unknown_token"] = "unknown_token"


class CovariateSchema(Spec):
    """The whole schema; see `docs/PHASE5_ARCH.md` for the fields and their meaning."""

    version: Literal["phase5.v1"]
    timestamp_col: Text = "timestamp"
    target_cols: Annotated[Names, Field(min_length=1)]
    dynamic_covariates: tuple[DynamicCovariate, ...] = ()
    seasonal_lags: tuple[Annotated[StrictInt, Field(ge=1)], ...] = ()
    calendar_features: CalendarFeatures = CalendarFeatures()
    static_covariates: tuple[StaticCovariate, ...] = ()
    missing_policy: MissingPolicy = MissingPolicy()
    units: dict[str, str] = Field(default_factory=dict)

    @field_validator("seasonal_lags")
    @classmethod
    def _check_lags_distinct(cls, lags: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(lags)) < len(lags):
            raise ValueError("a lag is given twice")
        return lags

    @model_validator(mode="after")
    def _check_names_distinct(self) -> "CovariateSchema":
        counts = Counter([self.timestamp_col, *self.target_cols, *self.dynamic_names, *self.static_names])
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(
                f"'{twice[0]}' is declared more than once among timestamp, targets, dynamic and static covariates"
            )
        return self

    @property
    def dynamic_names(self) -> tuple[str, ...]:
        """Names of all declared dynamic covariates."""
        return tuple(covariate.name for covariate in self.dynamic_covariates)

    @property
    def static_names(self) -> tuple[str, ...]:
        """Names of all declared static covariates."""
        return tuple(covariate.name for covariate in self.static_covariates)


def parse_schema(text: str, source: str) -> CovariateSchema:
    """Read a covariate schema.

    Args:
        text: The JSON text.
        source: The file's name, for messages.

    Raises:
        SchemaError: Malformed JSON (with line and column), a duplicate or unknown key, an unknown
            policy, encoding or feature, an empty `target_cols`, or a name declared twice.

    """
    try:
        values = json.loads(text, object_pairs_hook=_refuse_duplicate_keys, parse_constant=_refuse_constant)
        _check_writable(values)
    except json.JSONDecodeError as malformed:
        raise SchemaError(
            f"{source} line {malformed.lineno}, column {malformed.colno}: not valid JSON: {malformed.msg}"
        ) from None
    except (ValueError, RecursionError) as refused:
        raise SchemaError(f"{source}: {refused}") from None
    if not isinstance(values, dict):
        raise SchemaError(f"{source}: a JSON object is needed, found {type(values).__name__}")
    return CovariateSchema.parse(values, SchemaError, f"{source}: key")


def _refuse_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"key {examples(map(repr, twice))} is given twice in one object")
    return dict(pairs)


def _check_writable(values: Any) -> None:
    """Refuse text that JSON can escape but no file can hold: half of a surrogate pair."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{error.object[error.start]!r} is no character") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not valid JSON")
