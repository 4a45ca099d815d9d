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

    """

    cells: tuple[Cell, ...]
    parameters: dict[str, Any]


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
    for number, changes in enumerate(settings, start=1):
        alone = parameters.model_copy(update={**changes, "run_id": None, "processed_run_id": None})
        resolved = resolve_parameters(alone, schema, commit)
        cell = Cell(resolved["run_id"], resolved["processed_run_id"], **changes)  # type: ignore[arg-type]
        cells.append(cell)
        run = {**resolved["run"], "label": f"cell {number}/{len(settings)} {cell.run_id}"}
        groups["cells"][cell.run_id] = {
            "model": resolved["model"], "training": resolved["training"], "run": run,
        }  # fmt: skip
        groups["sources"].setdefault(cell.processed_run_id, {"table": resolved["table"], "run": run})
    digest = hashlib.sha256("\n".join(cell.run_id for cell in cells).encode()).hexdigest()[:10]
    groups["benchmark_id"] = parameters.run_id or f"benchmark-{digest}"
    return Matrix(tuple(cells), groups)


_current: list[Matrix] = []


def set_current_matrix(matrix: Matrix) -> None:
    """Leave the matrix for `create_pipeline`, to which Kedro passes neither parameters nor environment.

    The project's context calls this when it is made, which is before Kedro asks for pipelines.
    """
    _current[:] = [matrix]


def current_matrix() -> Matrix:
    """Return the matrix of the current context; without a context it has no cells."""
    return _current[0] if _current else Matrix((), {})
