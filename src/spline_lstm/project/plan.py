"""The plan that shapes pipelines: the benchmark's cells (each is an ordinary run), the folds, the trials."""

import hashlib
import json
from typing import Any

from spline_lstm.pipelines.plan import Cell, Plan
from spline_lstm.project.parameters import Parameters, resolve_parameters
from spline_lstm.selection.search import make_space
from spline_lstm.series.folds import fold_shares
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.windows import WindowParameters


def make_plan(parameters: Parameters, schema: CovariateSchema, commit_hash: str | None) -> Plan:
    """Derive the plan from the parameters; a cell has the run id of the same run on its own."""
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
        resolved = resolve_parameters(alone, schema, commit_hash)
        cell = Cell(resolved["run_id"], resolved["processed_run_id"], **changes)  # type: ignore[arg-type]
        cells.append(cell)
        of_cell = {"model": resolved["model"], "training": resolved["training"], "run": resolved["run"]}
        groups["cells"][cell.run_id] = of_cell
        groups["sources"].setdefault(cell.processed_run_id, {"table": resolved["table"], "run": resolved["run"]})
    content = "\n".join([axes.model_dump_json(), *(cell.run_id for cell in cells)])
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    groups["benchmark_id"] = f"{parameters.run_id or 'benchmark'}-{digest}"
    run = resolve_parameters(parameters, schema, commit_hash)["run"]
    groups["folds"] = _make_folds(parameters, run)
    refit = f"{run['run_id']}-refit"
    groups["refit"] = {"run": run | {"run_id": refit, "processed_run_id": refit}}
    groups["search"] = _make_search(parameters, schema)
    folds, enforce = tuple(groups["folds"]), parameters.edge_poc.enforce
    many = "*" in parameters.input_path
    tuning = parameters.tuning
    return Plan(
        tuple(cells), groups, axes.ensemble, folds, enforce, parameters.partitions, many, tuning.trials, tuning.at_once
    )


def _make_search(parameters: Parameters, schema: CovariateSchema) -> dict[str, Any]:
    """Return what all trials of a tuning share; its id ignores the number of trials, so more can be added."""
    own = parameters.model_dump(mode="json")
    alone = resolve_parameters(parameters.model_copy(update={"run_id": None}), schema, None)
    content = json.dumps([alone["run_id"], own["tuning"] | {"trials": None}])
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    return {
        "tuning_id": f"{parameters.run_id or 'tuning'}-{digest}",
        "tuning": own["tuning"],
        "space": make_space(parameters.tuning, own),
        **{name: alone[name] for name in ("table", "fills", "windows", "model", "training", "evaluation")},
    }


def _make_folds(parameters: Parameters, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameter groups of every fold; a fold differs from the run only in ids and split shares."""
    count = parameters.backtest.folds
    folds = {}
    for number in range(1, count + 1):
        name = f"fold{number:0{len(str(count))}}of{count}"  # so that their names sort
        ids = {key: f"{run[key]}-{name}" for key in ("run_id", "processed_run_id")}
        split = list(fold_shares(parameters.split, number, count))
        windows = parameters.part(WindowParameters).model_dump(mode="json") | {"split": split}
        folds[name] = {"number": number, "windows": windows, "run": run | ids}
    return folds
