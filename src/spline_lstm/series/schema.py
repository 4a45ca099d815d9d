"""The covariate schema: what a table's columns mean and how each enters the model."""

import json
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from spline_lstm.errors import SchemaError
from spline_lstm.series.calendar import CALENDAR_FEATURES
from spline_lstm.spec import Flag, Names, Spec, StrictInt, Text
from spline_lstm.text import examples, nearest

SCHEMA_VERSION = "phase5.v1"

_DECIMAL_TYPES = ("float", "float16", "float32", "float64", "half", "single", "double", "longdouble")
NUMBER_TYPES = (
    *_DECIMAL_TYPES,
    *("int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64", "bool"),
    *("byte", "short", "intc", "long", "longlong", "ubyte", "ushort", "uintc", "ulong", "ulonglong"),
)
"""NumPy's names of integer, float and boolean types."""
LABEL_TYPES = ("category", "string")


def _check_cell_type(name: str) -> str:
    allowed = (*NUMBER_TYPES, *LABEL_TYPES)
    if name not in allowed:
        raise ValueError(f"allowed: {', '.join(allowed)}{nearest(name, allowed)}")
    return name


CellType = Annotated[
    Text, AfterValidator(_check_cell_type), WithJsonSchema({"type": "string", "enum": [*NUMBER_TYPES, *LABEL_TYPES]})
]
Scaler = Literal["standard", "robust", "minmax", "none"]


class DynamicCovariate(Spec):
    """A column that changes over time; one channel of X."""

    name: Text
    """The column."""
    dtype: CellType = "float"
    """What its cells are: numbers, or labels (`category`, `string`)."""
    scaler: Scaler | None = None
    """How numbers are scaled, learnt from the training part; `standard` by default."""
    encoding: Literal["ordinal", "binary"] | None = None
    """`ordinal`: labels become their rank among those of the training part; `binary`: 0 and 1, or false and true."""
    required: Flag = True
    """Whether a multivariate run without the column is refused (exit code 13); else it is left out, with a warning."""
    known_future: Flag = False
    """Whether values are known ahead: the model then sees the values of the horizon, and forecasts need them."""

    @property
    def is_category(self) -> bool:
        """Whether the column holds labels, which are ranked, rather than numbers."""
        return self.encoding == "ordinal" or (self.dtype in LABEL_TYPES and not self.is_flag)

    @property
    def is_flag(self) -> bool:
        """Whether `true` and `false` stand for 1 and 0."""
        return self.dtype == "bool" or self.encoding == "binary"

    @model_validator(mode="after")
    def _check_scaler_or_encoding(self) -> "DynamicCovariate":
        if self.is_category and self.scaler is not None:
            raise ValueError(f"'{self.name}' is a category: it takes encoding 'ordinal', no scaler")
        if self.encoding == "ordinal" and self.dtype in _DECIMAL_TYPES:
            raise ValueError(f"'{self.name}' is a number: it takes a scaler, no encoding 'ordinal'")
        if self.encoding == "binary" and self.scaler not in (None, "none"):
            raise ValueError(f"'{self.name}' is binary: it stays 0 and 1, so it takes no scaler")
        return self


class StaticCovariate(Spec):
    """A column that is constant within a series; `dim` constant channels of X."""

    name: Text
    """The column."""
    dtype: CellType = "category"
    """What its cells are; numbers count as labels."""
    encoding: Literal["embedding"] = "embedding"
    """Each category gets a fixed code, which the first layer learns to read."""
    dim: Annotated[StrictInt, Field(ge=1, le=64)]
    """Channels of the code."""
    required: Flag = False
    """Whether a multivariate run without the column is refused (exit code 13)."""


def _check_calendar_names(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in CALENDAR_FEATURES]
    if unknown:
        raise ValueError(f"unknown calendar feature '{unknown[0]}'; allowed: {', '.join(CALENDAR_FEATURES)}")
    return names


class CalendarFeatures(Spec):
    """Features computed from the timestamp alone, so always known ahead."""

    enabled: Flag = True
    """Whether calendar features are used."""
    features: Annotated[
        Names,
        AfterValidator(_check_calendar_names),
        WithJsonSchema({"type": "array", "items": {"enum": list(CALENDAR_FEATURES)}}),
    ] = ()
    """Which ones."""
    known_future: Flag | None = None
    """Whether the model sees the values of the horizon; null: if the horizon fits into the lookback."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features in use."""
        return self.features if self.enabled else ()


class MissingPolicy(Spec):
    """How missing values are replaced, by kind of column."""

    target: Literal["interpolate_then_drop_if_remaining"] = "interpolate_then_drop_if_remaining"
    """A spline fills gaps; a window that ends before an observation that its fill uses is dropped."""
    dynamic_covariates: Literal["ffill_bfill_then_zero"] = "ffill_bfill_then_zero"
    """The last value is carried forward; a leading gap is back-filled in the training part only; all others become 0
    after scaling.
    """
    static_covariates: Literal["unknown_token"] = "unknown_token"
    """An unseen category gets the zero vector."""


class CovariateSchema(Spec):
    """The whole schema; see `docs/PHASE5_ARCH.md` for the fields and their meaning."""

    version: Literal["phase5.v1"]
    """Version of this schema."""
    timestamp_col: Text = "timestamp"
    """The time column, ISO 8601."""
    target_cols: Annotated[Names, Field(min_length=1)]
    """Columns to forecast; the parameter `target_cols` wins over it."""
    dynamic_covariates: tuple[DynamicCovariate, ...] = ()
    """Columns that change over time."""
    seasonal_lags: tuple[Annotated[StrictInt, Field(ge=1)], ...] | Literal["auto"] = "auto"
    """Lags of the targets in steps, each at least the horizon; 168 is a week of hours. `auto` adds a season if it helps
    within the training part.
    """
    calendar_features: CalendarFeatures = CalendarFeatures()
    """Features of the timestamp."""
    static_covariates: tuple[StaticCovariate, ...] = ()
    """Columns that are constant within a series."""
    missing_policy: MissingPolicy = MissingPolicy()
    """How missing values are replaced."""
    units: dict[str, str] = Field(default_factory=dict)
    """Column to unit; shown in reports and written into exported files."""

    @field_validator("seasonal_lags")
    @classmethod
    def _check_lags_distinct(cls, lags: tuple[int, ...] | str) -> tuple[int, ...] | str:
        if isinstance(lags, tuple) and len(set(lags)) < len(lags):
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
    def lags(self) -> tuple[int, ...]:
        """The seasonal lags; none as long as `auto` is undecided."""
        return () if self.seasonal_lags == "auto" else self.seasonal_lags

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
    """Refuse half of a surrogate pair: JSON can escape it, but no file can hold it."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{error.object[error.start]!r} is not a character") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not valid JSON")
