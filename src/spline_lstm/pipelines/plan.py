"""The plan of the pipelines: the run, the benchmark's cells, the backtest's folds, the trials."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from spline_lstm.evaluation.scores import EvaluationSpec
from spline_lstm.evaluation.verdicts import EdgeWeights, RecommendationWeights
from spline_lstm.models.registry import ModelSpec, ModelType, Seed, TrainingSpec
from spline_lstm.selection.search import TuningSpec
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowParameters
from spline_lstm.spec import Flag, Spec, StrictInt, Text, split_names, split_numbers


class RunSpec(Spec):
    """Names of a run and of its preprocessed data."""

    run_id: Text
    processed_run_id: Text
    commit_hash: str | None
    """Commit of the project, with `-dirty` if files differ from it; None outside git."""
    settings: str
    """The resolved parameters in JSON; as text, because Kedro would make a dataset of every entry, in every cell."""
    command: str = ""
    """The command that repeats the run."""
    places: str = "{}"
    """Dataset to the path of its file or folder, in JSON."""

    @property
    def resolved(self) -> dict[str, Any]:
        """The resolved parameters, as recorded with every result."""
        parameters: dict[str, Any] = json.loads(self.settings)
        return parameters


class RefitSpec(Spec):
    """Ids and table of a refit."""

    run: RunSpec
    input_path: str | None
    """Its table, if given; None takes the table of the run that it repeats."""


class SearchSpec(Spec):
    """The settings that the trials of a tuning share, and those that each trial changes."""

    tuning_id: Text
    tuning: TuningSpec
    space: dict[str, list[Any]]
    """Each searched parameter to the values to try."""
    table: TableSpec
    fills: FillSpec
    windows: WindowParameters
    model: ModelSpec
    training: TrainingSpec
    evaluation: EvaluationSpec
    command: Text = "kedro run --params "
    """The command that trains with the settings; these are added to it."""


def _check_axis(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value is given twice")
    return values


_AXIS = (AfterValidator(_check_axis), Field(min_length=1))


class BenchmarkSpec(Spec):
    """The axes of the benchmark, and the weights of its verdicts."""

    model_types: Annotated[tuple[ModelType, ...], BeforeValidator(split_names), *_AXIS]
    feature_modes: Annotated[tuple[Literal["univariate", "multivariate"], ...], BeforeValidator(split_names), *_AXIS]
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(split_numbers), *_AXIS]
    ensemble: Flag
    """Whether the mean forecast of all seeds gets its own rows."""
    latency_calls: Annotated[StrictInt, Field(ge=1000)]
    warm_up: Annotated[StrictInt, Field(ge=0)]
    edge_weights: EdgeWeights
    recommendation_weights: RecommendationWeights


@dataclass(frozen=True)
class Cell:
    """One run of the benchmark."""

    run_id: str
    processed_run_id: str
    model_type: str
    feature_mode: str
    seed: int

    @property
    def title(self) -> str:
        """Its readable name."""
        return f"{self.model_type}, {self.feature_mode}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """All cells and folds, and the parameter groups of their nodes.

    Attributes:
        cells: In the order of model types, feature modes and seeds.
        parameters: `cells` (run id to groups), `sources` (processed id to groups), `benchmark_id`, `folds` (name to
            groups), `refit` and `search`.
        ensemble: Whether the seeds' mean forecasts are scored too.
        folds: Names of the backtest's folds, in the order of time.
        enforce: Whether a run ends if the edge gate fails.
        partitions: Number of partitions of the preprocessing.
        many_tables: Whether `input_path` means several tables to forecast.
        trials: Number of trials of a tuning.
        at_once: Number of trials that are proposed together.

    """

    cells: tuple[Cell, ...]
    parameters: dict[str, Any]
    ensemble: bool = False
    folds: tuple[str, ...] = ()
    enforce: bool = False
    partitions: int = 1
    many_tables: bool = False
    trials: int = 0
    at_once: int = 1


_current: list[Plan] = []
_made_from: list[Plan] = []


def set_current_plan(plan: Plan) -> None:
    """Store the plan for `create_pipeline`, because Kedro passes it neither parameters nor environment.

    The project's context calls this in its constructor, before Kedro asks for pipelines.
    """
    _current[:] = [plan]


def current_plan() -> Plan:
    """Return the plan of the current context; without a context it has no cells."""
    return _current[0] if _current else Plan((), {})


def note_pipelines_made() -> None:
    """Store the plan that the pipelines of this process are made from."""
    _made_from[:] = [current_plan()]


def made_from() -> Plan | None:
    """Return the plan that the pipelines of this process were made from; None before they are made."""
    return _made_from[0] if _made_from else None
