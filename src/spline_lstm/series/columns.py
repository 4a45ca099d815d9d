"""The columns of a table that are used."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from spline_lstm.errors import MissingCovariateError, TableError
from spline_lstm.series.scaling import TargetScaling
from spline_lstm.series.schema import CovariateSchema, DynamicCovariate, StaticCovariate
from spline_lstm.series.time_formats import check_format
from spline_lstm.spec import Names, Spec, Text
from spline_lstm.text import examples, nearest
from spline_lstm.types import DataFrame

Duplicates = Literal["error", "first", "last", "mean"]
Resample = Literal["none", "last", "mean", "sum"]


class ReadingSpec(Spec):
    """How to read a table that is not in the usual form."""

    timestamp_col: Annotated[Names, Field(min_length=1)] | None = None
    """The column of times, or the columns that make up a time together; None takes the schema's."""
    timestamp_format: Annotated[Text, AfterValidator(check_format)] | None = None
    duplicates: Duplicates = "error"
    resample: Resample = "none"
    layout: Literal["long", "wide"] = "long"
    wide_cols: Names = ()


class TableSpec(ReadingSpec):
    """Which columns of the table are used, and how."""

    feature_mode: Literal["univariate", "multivariate"]
    target_cols: Annotated[Names, Field(min_length=1)]
    dynamic_covariates: Names
    static_covariates: Names
    series_id_cols: Names
    freq: Text | None
    target_scaling: TargetScaling | Literal["auto"] = "global"
    """Whether each series is scaled by its own training part; files without this setting mean False."""


@dataclass(frozen=True)
class Columns:
    """The used columns of one table, in feature order."""

    timestamps: tuple[str, ...]
    """The column of times, or those that make up a time together."""
    targets: tuple[str, ...]
    dynamic: tuple[DynamicCovariate, ...]
    static: tuple[StaticCovariate, ...]
    series_id: tuple[str, ...]
    absent: tuple[str, ...]
    """Optional covariates that the table lacks."""
    described: bool
    """False if a required covariate is absent (in univariate mode): covariates, lags and units are then not used."""

    @property
    def timestamp(self) -> str:
        """The time axis, for messages."""
        return "+".join(self.timestamps)


def source_of(table: DataFrame) -> str:
    """Name of the table for messages: its file, if it has one."""
    return str(table.attrs.get("source", "raw_table"))


def names_of(table: DataFrame) -> list[str]:
    """Names of the columns."""
    return [str(name) for name in table.columns]


def timestamp_columns(schema: CovariateSchema, spec: ReadingSpec, found: list[str]) -> tuple[str, ...]:
    """Name the columns that hold the time; in a schema, `+` joins several."""
    if spec.timestamp_col:
        return spec.timestamp_col
    return (schema.timestamp_col,) if schema.timestamp_col in found else tuple(schema.timestamp_col.split("+"))


def select_columns(table: DataFrame, schema: CovariateSchema, spec: TableSpec) -> Columns:
    """Choose the columns to use; parameters win over the schema.

    Args:
        table: The raw table.
        schema: What the columns mean.
        spec: What the parameters ask for.

    Raises:
        TableError: The timestamp, a target or a series id column is missing, or a target's name is reserved.
        MissingCovariateError: A required covariate, or one asked for by name, is missing.

    """
    found, source = names_of(table), source_of(table)
    timestamps = timestamp_columns(schema, spec, found)
    needed = (*timestamps, *spec.target_cols)
    missing = [name for name in needed if name not in found]
    if missing:
        hint = "; name the column of times: timestamp_col=..." if missing[0] in timestamps else ""
        if missing[0] in spec.target_cols and set(schema.target_cols) <= set(found):
            hint = f"; the schema's targets are there: type target_cols={'+'.join(schema.target_cols)}"
        raise TableError(f"{source}: column '{missing[0]}' is missing; found: {examples(found, 12)}{hint}")
    _check_target_names(spec.target_cols, source)
    multivariate = spec.feature_mode == "multivariate"
    dynamic, absent_dynamic = _choose_covariates(
        tuple(item for item in schema.dynamic_covariates if item.name not in spec.target_cols),
        spec.dynamic_covariates,
        found,
        source,
        enforce=multivariate,
    )
    named = spec.static_covariates if multivariate else ()
    static, absent_static = _choose_covariates(schema.static_covariates, named, found, source, enforce=multivariate)
    described = not any(item.required for item in absent_dynamic)
    if spec.series_id_cols == ("auto",):
        series_id = tuple(name for name in schema.static_names if name in found)
    else:
        series_id = spec.series_id_cols
        missing = [name for name in series_id if name not in found]
        if missing:
            raise TableError(f"{source}: series id column '{missing[0]}' is missing; found: {examples(found, 12)}")
    return Columns(
        timestamps=timestamps,
        targets=spec.target_cols,
        dynamic=dynamic if described else (),
        static=tuple(item for item in static if item.name in named),
        series_id=series_id,
        absent=tuple(item.name for item in absent_dynamic + absent_static) if multivariate else (),
        described=described,
    )


def _check_target_names(targets: tuple[str, ...], source: str) -> None:
    """Refuse a target with the name of a column that the filled series adds."""
    reserved = ("series_id", "timestamp", "split", *(f"{name}_is_imputed" for name in targets))
    taken = [name for name in targets if name in reserved]
    if taken:
        raise TableError(
            f"{source}: column '{taken[0]}' cannot be a target, because the filled series has a column of that name "
            "for itself; rename it in the table"
        )


def _choose_covariates(
    declared: tuple[Any, ...], named: tuple[str, ...], found: list[str], source: str, *, enforce: bool
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split the asked-for covariates into those the table has and those it lacks."""
    known = {item.name: item for item in declared}
    undeclared = [name for name in named if name not in known]
    if undeclared and enforce:
        raise MissingCovariateError(
            f"covariate '{undeclared[0]}' is not declared in the covariate schema{nearest(undeclared[0], known)}; "
            f"declared: {examples(known, 12) or 'none'}"
        )
    asked = [known[name] for name in named if name in known] or list(declared)
    lacking = [item for item in asked if item.name not in found]
    refused = [item.name for item in lacking if item.required or item.name in named]
    if refused and enforce:
        raise MissingCovariateError(
            f"{source}: required covariate '{refused[0]}' is missing; found: {examples(found, 12)}"
        )
    return tuple(item for item in asked if item.name in found), tuple(lacking)
