"""The benchmark's matrix: model types x feature modes x seeds, each cell a run like any other."""

import hashlib
from dataclasses import dataclass
from typing import Any

from spline_lstm.parameters import Parameters, resolve_parameters
from spline_lstm.series.schema import CovariateSchema


@dataclass(frozen=True)
class Cell:
    """One run of the benchmark."""

    run_id: str
    processed_run_id: str
    model_type: str
    feature_mode: str
    seed: int


@dataclass(frozen=True)
class Matrix:
    """All cells, and the parameter groups that their nodes take.

    Attributes:
        cells: In the order of model types, feature modes and seeds.
        parameters: `cells` (run id to groups), `sources` (processed id to groups) and `benchmark_id`.
        ensemble: Whether the seeds' mean forecasts are scored too.

    """

    cells: tuple[Cell, ...]
    parameters: dict[str, Any]
    ensemble: bool = False


def make_matrix(parameters: Parameters, schema: CovariateSchema, commit: str | None) -> Matrix:
    """Derive the cells from the parameters; a cell has the run id that the same run alone would have."""
    axes = parameters.benchmark
    settings = [
        {"model_type": model_type, "feature_mode": feature_mode, "seed": seed}
        for model_type in axes.model_types
        for feature_mode in axes.feature_modes
        for seed in axes.seeds
    ]
    cells: list[Cell] = []
    groups: dict[str, Any] = {"cells": {}, "sources": {}}
    for changes in settings:
        alone = parameters.model_copy(update={**changes, "run_id": None, "processed_run_id": None})
        resolved = resolve_parameters(alone, schema, commit)
        cell = Cell(resolved["run_id"], resolved["processed_run_id"], **changes)  # type: ignore[arg-type]
        cells.append(cell)
        run = resolved["run"]
        groups["cells"][cell.run_id] = {"model": resolved["model"], "training": resolved["training"], "run": run}
        groups["sources"].setdefault(cell.processed_run_id, {"table": resolved["table"], "run": run})
    content = "\n".join([axes.model_dump_json(), *(cell.run_id for cell in cells)])
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    groups["benchmark_id"] = f"{parameters.run_id or 'benchmark'}-{digest}"
    return Matrix(tuple(cells), groups, axes.ensemble)


_current: list[Matrix] = []


def set_current_matrix(matrix: Matrix) -> None:
    """Leave the matrix for `create_pipeline`, to which Kedro passes neither parameters nor environment.

    The project's context calls this when it is made, which is before Kedro asks for pipelines.
    """
    _current[:] = [matrix]


def current_matrix() -> Matrix:
    """Return the matrix of the current context; without a context it has no cells."""
    return _current[0] if _current else Matrix((), {})
