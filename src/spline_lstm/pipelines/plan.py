"""What pipelines are made of and their nodes take: the run, the benchmark's cells, the backtest's folds, the trials."""

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
    """Of the project, with `-dirty` behind it where files differ from it; None outside git."""
    settings: str
    """The resolved parameters in JSON; as text, because Kedro makes a dataset of every entry, in every cell."""
    command: str = ""
    """What to type to repeat it."""
    places: str = "{}"
    """Dataset to the path of its file or folder, in JSON."""

    @property
    def resolved(self) -> dict[str, Any]:
        """The resolved parameters, as recorded with every result."""
        parameters: dict[str, Any] = json.loads(self.settings)
        return parameters


class RefitSpec(Spec):
    """The run that a refit makes."""

    run: RunSpec
    input_path: str | None
    """Its table, where that is given; None is the one of the run that it repeats."""


class SearchSpec(Spec):
    """What the trials of a tuning share, and what each of them changes."""

    tuning_id: Text
    tuning: TuningSpec
    space: dict[str, list[Any]]
    """Each parameter that is searched to the values that are tried."""
    table: TableSpec
    fills: FillSpec
    windows: WindowParameters
    model: ModelSpec
    training: TrainingSpec
    evaluation: EvaluationSpec
    command: Text = "kedro run --params "
    """What to type to train with settings that were found; they follow it."""


def _check_axis(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) < len(values):
        raise ValueError("a value is given twice")
    return values


_AXIS = (AfterValidator(_check_axis), Field(min_length=1))


class BenchmarkSpec(Spec):
    """The axes of the plan, and what the verdicts weigh."""

    model_types: Annotated[tuple[ModelType, ...], BeforeValidator(split_names), *_AXIS]
    feature_modes: Annotated[tuple[Literal["univariate", "multivariate"], ...], BeforeValidator(split_names), *_AXIS]
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(split_numbers), *_AXIS]
    ensemble: Flag
    """Whether the mean forecast of all seeds gets rows of its own."""
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
        """What people call it."""
        return f"{self.model_type}, {self.feature_mode}, seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """All cells and folds, and the parameter groups that their nodes take.

    Attributes:
        cells: In the order of model types, feature modes and seeds.
        parameters: `cells` (run id to groups), `sources` (processed id to groups), `benchmark_id`, `folds` (name to
            groups), `refit` and `search`.
        ensemble: Whether the seeds' mean forecasts are scored too.
        folds: Names of the backtest's folds, in the order of time.
        enforce: Whether a run ends where the edge gate fails.
        partitions: Parts that a table is preprocessed in.
        many_tables: Whether `input_path` stands for several tables to forecast.
        trials: Settings that a tuning tries.
        at_once: Trials of it that do not know each other's scores.

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
    """Leave the plan for `create_pipeline`, to which Kedro passes neither parameters nor environment.

    The project's context calls this when it is made, which is before Kedro asks for pipelines.
    """
    _current[:] = [plan]


def current_plan() -> Plan:
    """Return the plan of the current context; without a context it has no cells."""
    return _current[0] if _current else Plan((), {})


def note_pipelines_made() -> None:
    """Remember which plan the pipelines of this process are made from."""
    _made_from[:] = [current_plan()]


def made_from() -> Plan | None:
    """Return the plan that the pipelines of this process were made from; None before they are made."""
    return _made_from[0] if _made_from else None
