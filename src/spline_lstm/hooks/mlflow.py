"""Record a run in MLflow, if kedro-mlflow is installed and has opened an MLflow run; see docs/how-to/mlflow.md."""

import logging
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from spline_lstm.datasets.address import Place
from spline_lstm.datasets.storage import local_file
from spline_lstm.project.parameters import flatten
from spline_lstm.project.places import place_of

logger = logging.getLogger(__name__)

_SHOWN = (
    "report",
    "report_page",
    "model_card",
    "metrics",
    "intervals",
    "run_record",
    "model",
    "exported_models",
    "edge_report",
    "gated_page",
    "edge_gate",
    "backtest",
    "backtest_report",
    "backtest_page",
    "comparison",
    "comparison_table",
    "comparison_report",
    "comparison_page",
    "edge_matrix",
    "edge_matrix_report",
    "forecast_csv",
    "drift",
    "explanations",
    "best_settings",
    "tuning_report",
    "tuning_page",
    "table_profile",
    "table_schema",
    "table_parameters",
)
"""Datasets whose files are stored with the MLflow run."""
_LONGEST = 6_000
"""Most characters of a parameter in MLflow."""


class TrackingHooks:
    """Add a run's settings, scores and files to the MLflow run."""

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Record the run before kedro-mlflow closes it; the cells of a benchmark become nested runs."""
        mlflow = sys.modules.get("mlflow")
        if mlflow is None or mlflow.active_run() is None:
            return
        try:
            _record_all(mlflow, catalog, pipeline.all_outputs())
        except Exception as error:  # a server's error must not fail a finished run
            logger.warning("MLflow has not recorded all of the run: %s", error)


def _record_all(mlflow: Any, catalog: CatalogProtocol[Any, Any], made: set[str]) -> None:
    if made & {"comparison", "edge_matrix"}:
        mlflow.set_tags({"mlflow.runName": catalog.load("params:benchmark_id")})
    _record(mlflow, catalog, made, "")
    names = (name.rpartition(".") for name in made)
    for run_id in sorted({run_id for run_id, _, last in names if run_id and last in ("metrics", "edge_gate")}):
        with mlflow.start_run(run_name=run_id, nested=True):
            _record(mlflow, catalog, made, f"{run_id}.")


def _record(mlflow: Any, catalog: CatalogProtocol[Any, Any], made: set[str], namespace: str) -> None:
    """Record the outputs of one run of modelling and the edge gate."""
    found = {name: f"{namespace}{name}" for name in _SHOWN if f"{namespace}{name}" in made}
    loaded: dict[str, Any] = {
        name: catalog.load(found[name]) for name in ("metrics", "run_record", "edge_gate", "backtest") if name in found
    }
    if "run_record" in loaded:
        record = loaded["run_record"]
        mlflow.set_tags({name: str(record[name]) for name in ("run_id", "processed_run_id", "commit_hash", "command")})
        mlflow.log_params({name: str(value)[:_LONGEST] for name, value in flatten(record["settings"])})
    scores = dict(_scores(loaded))
    if scores:
        mlflow.log_metrics(scores)
    for name in found.values():
        place = place_of(catalog[name])
        if place is not None:  # None: a dataset class of another package, perhaps in a bucket
            _keep(mlflow, place)


def _keep(mlflow: Any, place: Place) -> None:
    """Store a file, or the files in a folder."""
    is_file = place.is_file()
    for file in [place] if is_file else [inside for inside in place.iterdir() if inside.is_file()]:
        with local_file(file) as path:
            mlflow.log_artifact(str(path), None if is_file else place.name)


def _scores(loaded: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the metrics for the comparison of runs."""
    for split in ("val", "test"):
        scored = loaded.get("metrics", {}).get(split, {"baselines": {}})
        forecasts = {"model": scored["model"]} if "model" in scored else {}
        for name, scores in {**forecasts, **scored["baselines"]}.items():
            yield from _numbers(f"{split}.{name}", scores["overall"])
    for entry in loaded.get("metrics", {}).get("intervals", []):
        yield from _numbers(f"test.interval_{100 * entry['level']:g}", entry, ("coverage", "mean_width", "winkler"))
    yield from _numbers("model", loaded.get("run_record", {}), ("params", "size_bytes", "train_seconds", "best_epoch"))
    for name, item in loaded.get("edge_gate", {}).get("files", {}).items():
        yield f"edge.{name}.passed", float(item["verdict"] == "PASS")
        yield from _numbers(f"edge.{name}", item, ("latency_p50_ms", "latency_p95_ms", "size_bytes"))
    for name, scores in loaded.get("backtest", {}).get("mean", {}).items():
        yield from _numbers(f"backtest.{name}", scores)


def _numbers(
    prefix: str, values: Mapping[str, Any], names: tuple[str, ...] | None = None
) -> Iterator[tuple[str, float]]:
    for name in names or tuple(values):
        if values.get(name) is not None:
            yield f"{prefix}.{name}", float(values[name])
