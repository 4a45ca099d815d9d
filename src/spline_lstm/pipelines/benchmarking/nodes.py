"""Nodes of the benchmark."""

import functools
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spline_lstm.errors import Failure, own_error
from spline_lstm.evaluation import baselines, comparison, verdicts
from spline_lstm.evaluation.comparison import CellRecord
from spline_lstm.evaluation.latency import measure_latency
from spline_lstm.evaluation.scores import EvaluationSpec, evaluate
from spline_lstm.models.archive import compiled_call, load_network
from spline_lstm.models.ridge import fit_ridge, ridge_data
from spline_lstm.models.training import make_forecast
from spline_lstm.pipelines.plan import BenchmarkSpec, Cell
from spline_lstm.pipelines.wrapping import logging_as
from spline_lstm.reporting import comparison_report
from spline_lstm.reporting.page import make_page
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.splits import SPLITS
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


class Tolerant:
    """A cell's node that returns a `Failure` instead of its outputs, so that the other cells go on.

    An instance, not a nested function, because the parallel runner pickles nodes.
    """

    def __init__(self, cell: Cell, outputs: int, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._outputs, self._cell = function, outputs, cell

    def __call__(self, *inputs: Any) -> Any:
        """Run the node, unless an input is a failure already."""
        failure = next((item for item in inputs if isinstance(item, Failure)), None)
        if failure is None:
            try:
                with logging_as(self._cell.title):
                    return self._function(*inputs)
            except Exception as error:  # no error of a library may end the other cells
                own = Failure.of(own_error(error))
                failure = replace(own, message=f"cell '{self._cell.run_id}': {own.message}")
            logger.error("A cell failed, the others go on: %s", failure.message)
        return (failure,) * self._outputs if self._outputs > 1 else failure


class CompareCells:
    """Joins the cells' results; the cells are fixed when the pipeline is made."""

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self._cells = cells

    def measure_operation(self, benchmark: BenchmarkSpec, **loaded: Any) -> dict[str, Any]:
        """Measure every model at batch 1, one at a time, after all training.

        Args:
            benchmark: Numbers of calls.
            loaded: `<run id>.model` and `<run id>.report` of every cell (the reports, because timing starts after every
                cell is finished), and `<processed id>.model_input` of each feature mode.

        """
        _raise_first(loaded)
        found: dict[str, Any] = {}
        for cell in self._cells:
            content, model_input = loaded[f"{cell.run_id}.model"], loaded[f"{cell.processed_run_id}.model_input"]
            call = compiled_call(load_network(content, cell.run_id), model_input.X[:1])
            found[cell.run_id] = {
                "model_sha256": hashlib.sha256(content).hexdigest(),
                **measure_latency(call, calls=benchmark.latency_calls, warm_up=benchmark.warm_up),
            }
            logger.info("%s: p50 %.3f ms", cell.run_id, found[cell.run_id]["latency_p50_ms"])
        for cell in self._cells:
            if f"ridge {cell.feature_mode}" not in found:
                model_input = loaded[f"{cell.processed_run_id}.model_input"]
                found |= _baseline_operation(model_input, cell.feature_mode, benchmark)
        return found

    def score_ensembles(self, evaluation: EvaluationSpec, operation: dict[str, Any], **loaded: Any) -> dict[str, Any]:
        """Score the mean forecast of all seeds of a model type and feature mode on val and test.

        Args:
            evaluation: As for a single run.
            operation: Not read: it makes this node wait until every cell is finished and measured.
            loaded: `<run id>.model` of every cell and `<processed id>.model_input` of each feature mode.

        Returns:
            `<model type> <feature mode>` to its metrics and the hashes of its members' model files.

        """
        del operation
        groups: dict[str, list[tuple[Cell, bytes]]] = {}
        for cell in self._cells:
            name, content = f"{cell.model_type} {cell.feature_mode}", loaded[f"{cell.run_id}.model"]
            groups.setdefault(name, []).append((cell, content))
        found = {}
        for name, members in groups.items():
            model_input: ModelInput = loaded[f"{members[0][0].processed_run_id}.model_input"]
            windows = {SPLITS[split]: model_input.windows_of(split) for split in (1, 2)}
            forecasters = [make_forecast(load_network(content, cell.run_id)) for cell, content in members]
            made = {
                split: {
                    "model": model_input.in_target_units(
                        np.mean([call(model_input.X.at(rows)) for call in forecasters], axis=0), rows
                    )
                }
                for split, rows in windows.items()
            }
            hashes = [hashlib.sha256(content).hexdigest() for _, content in members]
            found[name] = {
                "members_sha256": hashes,
                **evaluate(model_input, windows, made, evaluation.season),
            }
        return found

    def compare(
        self,
        benchmark: BenchmarkSpec,
        benchmark_id: str,
        operation: dict[str, Any],
        ensembles: dict[str, Any] | None = None,
        **loaded: Any,
    ) -> tuple[dict[str, Any], DataFrame, str, str, dict[str, bytes], Any, Any, Any]:
        """Check that the cells are comparable and join them.

        Args:
            benchmark: Weights of the verdicts.
            benchmark_id: Names the comparison.
            operation: Result of `measure_operation`.
            ensembles: Result of `score_ensembles`, if asked for.
            loaded: `<run id>.metrics` and `<run id>.run_record` of every cell.

        Raises:
            ComparisonError: The cells are not comparable.

        """
        _raise_first(loaded)
        metrics = [loaded[f"{cell.run_id}.metrics"] for cell in self._cells]
        runs = [loaded[f"{cell.run_id}.run_record"] for cell in self._cells]
        records = [
            CellRecord(scores, run, operation[cell.run_id])
            for cell, scores, run in zip(self._cells, metrics, runs, strict=True)
        ]
        comparison.check_comparable(records, [cell.run_id for cell in self._cells])
        rows = comparison.make_rows(records)
        summary = comparison.summarise(rows)
        found = verdicts.make_verdicts(summary, benchmark.edge_weights, benchmark.recommendation_weights)
        joined = {
            "benchmark_id": benchmark_id,
            # Runs of an earlier version have the hash under `commit`.
            "commit_hashes": sorted({str(run.get("commit_hash", run.get("commit"))) for run in runs}),
            "units": metrics[0]["units"],
            "shared": runs[0]["shared"],
            "rows": rows,
            "baselines": comparison.make_baseline_rows(records, operation),
            "ensembles": comparison.make_ensemble_rows(records, ensembles) if ensembles else [],
            "summary": summary,
            "differences": verdicts.find_level(records, found["accuracy"]),
            "verdicts": comparison_report.add_reasons(found, summary, len(metrics[0]["units"])),
        }
        files = {
            f"{record.run_id}.json": json.dumps(
                {"row": row, "metrics": record.metrics, "run": record.run, "operation": record.operation},
                indent=2,
                ensure_ascii=False,
            ).encode()
            for record, row in zip(records, rows, strict=True)
        }
        table = comparison.make_table([*rows, *joined["baselines"], *joined["ensembles"]])
        text = comparison_report.make_comparison_report(joined)
        pictures = comparison_report.make_comparison_pictures(joined, records)
        page = make_page(text, {"In pictures": list(pictures.values())})
        figures = [make_figure(picture.title, [picture]) for picture in pictures.values()]
        return joined, table, text, page, files, figures[0], figures[1], figures[2]


def _raise_first(loaded: Mapping[str, Any]) -> None:
    """End the run with the exit code of the first failed cell: a comparison without this cell would not be fair."""
    failures = [item for item in loaded.values() if isinstance(item, Failure)]
    if failures:
        raise failures[0].to_error()


def _baseline_operation(model_input: ModelInput, feature_mode: str, benchmark: BenchmarkSpec) -> dict[str, Any]:
    """Measure the baselines as in use: one window at a time, in numpy."""
    started = time.perf_counter()
    ridge = fit_ridge(*(ridge_data(model_input, split) for split in (0, 1)))
    seconds = time.perf_counter() - started
    window = np.zeros((1, ridge.weights.shape[0]), dtype=np.float32)
    recent, ahead = (
        np.zeros((1, n, len(model_input.target_indices))) for n in (model_input.lookback, model_input.horizon)
    )
    last, horizon = recent[:, -1:], model_input.horizon
    passed, steps = np.array([horizon]), np.arange(1, horizon + 1)
    calls: dict[str, tuple[Callable[[], Any], int]] = {
        f"ridge {feature_mode}": (lambda: ridge.apply(window), ridge.weights.size + ridge.bias.size),
        "last_value": (lambda: baselines.last_value(last, horizon), 0),
        "moving_average": (lambda: baselines.moving_average(recent, horizon), 0),
        "seasonal_naive": (lambda: baselines.seasonal_naive(ahead, last), 0),
        "drift": (lambda: last + baselines.drift(last, last, passed, steps), 0),
        "seasonal_naive_with_drift": (
            lambda: baselines.seasonal_naive(ahead, last) + baselines.drift(last, last, passed, steps),
            0,
        ),
    }
    return {
        name: {
            **measure_latency(call, calls=benchmark.latency_calls, warm_up=benchmark.warm_up),
            "params": params,
            "size_bytes": 4 * params,
            "train_seconds": seconds if params else 0.0,
        }
        for name, (call, params) in calls.items()
    }
