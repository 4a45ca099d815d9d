"""All parameters of `conf/*/parameters*.yml` and `--params`: parsed once, before any node runs."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from spline_lstm.edge.backends import ForecastSpec
from spline_lstm.edge.export import ExportSpec
from spline_lstm.edge.gate import EdgeSpec
from spline_lstm.errors import ParameterError
from spline_lstm.evaluation.scores import EvaluationSpec
from spline_lstm.models.registry import ModelSpec, TrainingSpec
from spline_lstm.pipelines.plan import BenchmarkSpec
from spline_lstm.selection.search import TuningSpec
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.folds import BacktestSpec
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowParameters
from spline_lstm.spec import HIDDEN, Spec, StrictInt, Text
from spline_lstm.text import holds_secret

RESERVED = ("benchmarks", "tables", "tunings")
"""Folders beside those of the runs; no run may have these names."""
_RUN_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._-]{1,64}")


def _check_run_id(run_id: object) -> object:
    # This runs before the type check: Kedro reads 007 as a number, and the message should say what to type.
    if isinstance(run_id, str) and run_id.lower() in RESERVED:
        raise ValueError(f"a folder of the project has this name; any other is fine, such as my-{run_id}")
    if run_id is None or (isinstance(run_id, str) and _RUN_ID.fullmatch(run_id)):
        return run_id
    raise ValueError("1 to 64 letters, digits, '.', '_' or '-' are needed, at least one of them a letter")


RunId = Annotated[Text | None, BeforeValidator(_check_run_id)]


def _check_address(place: str) -> str:
    # The address is recorded with every result, so it may hold no secret; nor may the message repeat a secret.
    if holds_secret(place):
        words = "is an address with a password, which every record would hold; give it as credentials of raw_table"
        raise PydanticCustomError(HIDDEN, words)
    return place


class InputSpec(Spec):
    """Where the table and its schema are."""

    input_path: Annotated[Text, AfterValidator(_check_address)]
    covariate_spec: Annotated[Text, AfterValidator(_check_address)]


class Parameters(
    InputSpec, TableSpec, FillSpec, WindowParameters, ModelSpec, TrainingSpec, EvaluationSpec, ExportSpec, ForecastSpec
):
    """Every parameter that a user can set; nodes take the groups of parameters."""

    edge_poc: EdgeSpec
    backtest: BacktestSpec
    benchmark: BenchmarkSpec
    tuning: TuningSpec
    materialize_windows: Literal["auto", "always", "never"]
    """Whether the cut windows are stored as well as the rows; `auto` stores up to 256 MB of windows."""
    partitions: Annotated[StrictInt, Field(ge=1, le=10_000)]
    """Parts of the table that are checked and filled separately; each holds some of the series."""
    settings_tried: Annotated[StrictInt, Field(ge=1)]
    """Number of settings that were tried on validation before these were chosen."""
    run_id: RunId
    forecast_id: RunId
    processed_run_id: RunId


_PROCESSED_GROUPS: tuple[type[Spec], ...] = (InputSpec, TableSpec, FillSpec, WindowParameters)
GROUPS: dict[str, type[Spec]] = {
    "table": TableSpec,
    "fills": FillSpec,
    "windows": WindowParameters,
    "model": ModelSpec,
    "training": TrainingSpec,
    "evaluation": EvaluationSpec,
    "export": ExportSpec,
}
"""Name of each derived parameter group, as in `params:windows`, to its class."""


def parse_parameters(values: Mapping[str, Any]) -> Parameters:
    """Check raw parameters.

    Raises:
        ParameterError: A name is unknown (the message suggests a similar one), or a value is of the wrong type or out
            of range.

    """
    return Parameters.parse(dict(values), ParameterError, "parameter")


def takes_list(path: str) -> bool:
    """Tell whether the parameter with this dotted name is a list; an unknown parameter may be a list."""
    spec: Any = Parameters
    for name in path.split("."):
        field = spec.model_fields.get(name) if isinstance(spec, type) and issubclass(spec, Spec) else None
        if field is None:
            return True
        spec = field.annotation
    return any("tuple" in str(kind) for kind in (spec, *get_args(spec)))


def check_given(given: Mapping[str, Any], spec: type[Spec] = Parameters, path: str = "") -> None:
    """Refuse dotted names that reach into a single value or a list: Kedro cannot merge them with the files' values.

    Args:
        given: Parameters of the command line, nested.
        spec: Settings that the parameters belong to.
        path: Dotted name of these settings.

    Raises:
        ParameterError: Names the parameter, and says to give it whole.

    """
    for name, value in given.items():
        field = spec.model_fields.get(name)
        if field is None or not isinstance(value, Mapping):
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, Spec):
            check_given(value, field.annotation, f"{path}{name}.")
            continue
        whole, part = f"{path}{name}", f"{path}{name}.{next(iter(value), '')}"
        raise ParameterError(
            f"parameter '{part}' cannot be set on its own; give '{whole}' whole, the entries of a list joined by +: "
            f"--params {whole}=...+..."
        )


def resolve_parameters(parameters: Parameters, schema: CovariateSchema, commit_hash: str | None) -> dict[str, Any]:
    """Derive the ids and the groups that nodes and catalog paths refer to.

    Args:
        parameters: Checked parameters.
        schema: The covariate schema, which also decides the preprocessed data.
        commit_hash: Commit hash of the project, if known.

    Returns:
        The normalised parameters, one entry for each of `GROUPS`, and `run`.

    """
    data = {"schema": schema.model_dump(mode="json")}
    for group in _PROCESSED_GROUPS:
        data |= _identifying(parameters.part(group))
    result: dict[str, Any] = {**data}
    for group in (ModelSpec, TrainingSpec, EvaluationSpec):
        result |= _identifying(parameters.part(group))
    if parameters.processed_run_id:
        result |= {"processed_run_id": parameters.processed_run_id}
    processed_id = parameters.processed_run_id or parameters.run_id or f"{parameters.feature_mode}-{_digest(data)}"
    run_id = parameters.run_id or (
        f"{parameters.model_type}-{parameters.feature_mode}-s{parameters.seed}-{_digest(result)}"
    )
    ids = {"run_id": run_id, "processed_run_id": processed_id}
    settings = parameters.model_dump(mode="json") | ids
    groups = {name: parameters.part(group).model_dump(mode="json") for name, group in GROUPS.items()}
    return {**settings, **groups, "run": {**ids, "commit_hash": commit_hash, "settings": json.dumps(settings)}}


def _identifying(group: Spec) -> dict[str, Any]:
    """Return the values for ids. A field at its default is left out, so later fields do not change old ids."""
    return group.model_dump(mode="json", exclude_defaults=True)


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:10]


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested parameters by the dotted names of the command line."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
