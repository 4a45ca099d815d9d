"""The summary at the end of `kedro run`: a short table, the report's path, and the next command.

Everything is read from the run's outputs. Interactive sessions, such as notebooks, print no summary.
"""

import json
import logging
import shlex
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from spline_lstm.datasets.storage import shown
from spline_lstm.evaluation.scores import overall_scores
from spline_lstm.evaluation.verdicts import row_of
from spline_lstm.project.invocation import Invocation
from spline_lstm.project.places import place_of
from spline_lstm.reporting.comparison_report import best_ridge
from spline_lstm.reporting.wording import (
    against,
    differences,
    label,
    little_evidence,
    number,
    typical_scores,
    with_unit,
)
from spline_lstm.series.drift import describe_drift
from spline_lstm.text import printable

logger = logging.getLogger(__name__)

_MOST_SERIES = 4
_STYLES = {"PASS": "green", "FAIL": "bold red", "NOT JUDGED": "bold yellow"}


@dataclass(frozen=True)
class Written:
    """The outputs of a run, and its command."""

    catalog: CatalogProtocol[Any, Any]
    invocation: Invocation

    def load(self, name: str) -> Any:
        """Read a dataset or, as `params:...`, a parameter."""
        return self.catalog.load(name)

    def place(self, name: str) -> str:
        """Return the path of a dataset as a user would type it."""
        place = place_of(self.catalog[name])
        return "elsewhere" if place is None else shown(place)

    def next(self, pipeline: str) -> Text:
        """Return the line with the command of a pipeline and this run's given parameters."""
        return _line("Next", self.invocation.command(pipeline))

    def forecast(self, run_id: str) -> Text:
        """Return the line with the command for a run's forecast."""
        return _line("Next", self.invocation.command("forecasting", {"run_id": run_id}))


class ClosingHooks:
    """End a run on the command line with a summary of its results."""

    def __init__(self) -> None:
        self._invocation = Invocation()

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Remember how Kedro was called."""
        self._invocation = context.invocation

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Print the summary; the run is finished, so errors here are ignored."""
        if hasattr(sys, "ps1"):  # an interactive session
            return
        try:
            parts = list(make_closing(pipeline.all_outputs(), Written(catalog, self._invocation)))
            console = Console(markup=False, emoji=False, highlight=False)
            for part in ["", *parts] if parts else []:
                console.print(part, soft_wrap=isinstance(part, Text))
        except Exception:
            logger.debug("The run ends without a table", exc_info=True)


def make_closing(made: Collection[str], written: Written) -> Iterator[RenderableType]:
    """Yield the summary for the most informative kind of dataset that a run made."""
    for name, close in _CLOSINGS.items():
        if name in made:
            yield from close(made, written)
            return


def _close_run(made: Collection[str], written: Written) -> Iterator[RenderableType]:
    run_id = written.load("params:run_id")
    if "metrics" in made:
        metrics = written.load("metrics")
        if evidence := little_evidence(metrics):
            yield Text(f"{evidence}.", style="bold")
        yield _scores_table(run_id, metrics)
        yield Text()
    if "edge_gate" in made:
        gate = written.load("edge_gate")
        yield _gate_table(gate)
        yield _line("Gate", written.place("edge_report"))
    if "report_page" in made:
        yield _line("Report", written.place("report_page"))
    yield written.forecast(run_id) if "edge_gate" in made else written.next("edge_poc")


def _close_refit(_: Collection[str], written: Written) -> Iterator[RenderableType]:
    run_id = written.load("params:refit").run.run_id
    yield _line("Report", written.place("refit.report_page"))
    yield written.forecast(run_id)


def _scores_table(run_id: str, metrics: dict[str, Any]) -> Table:
    """Return the test scores of the model and its baselines, best first."""
    rows = overall_scores(metrics["test"])
    table = _table(
        f"{run_id}, {metrics['test']['windows']:,} test windows",
        "",
        with_unit("RMSE", metrics),
        "MASE",
        "the model's RMSE is",
    )
    typical, found = typical_scores(metrics["test"]), differences(metrics)
    for name in sorted(rows, key=lambda name: typical[name]):
        scores, is_model = rows[name], name == "model"
        relation = "" if is_model else against(found[name])
        table.add_row(
            label(name),
            number(scores["rmse"]),
            number(scores["mase"]),
            relation.removesuffix(" with"),
            style="bold" if is_model else None,
        )
    return table


def _gate_table(gate: dict[str, Any]) -> RenderableType:
    """Return the gate's results for the files that decide about a release."""
    files = {name: item for name, item in gate["files"].items() if item["precision"] == "fp32"}
    if not files:
        return Text("Nothing was exported: export_formats is none.")
    table = _table(f"Edge gate of {gate['run_id']}", "", "verdict", "p95 (ms)", "size (bytes)")
    for name, item in files.items():
        table.add_row(name, _verdict(item), *_figures(item))
    return table


def _verdict(item: dict[str, Any]) -> Text:
    return Text(item["verdict"], style=_STYLES[item["verdict"]])


def _figures(item: dict[str, Any]) -> tuple[str, str]:
    if not item["criteria"]:  # the file could not be run
        return "–", "–"
    return number(item["latency_p95_ms"]), f"{item['size_bytes']:,}"


def _close_backtest(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    backtest = written.load("backtest")
    title = with_unit(f"Backtest of {backtest['run_id']}, RMSE", backtest)
    table = _table(title, "fold", "test block from")
    table.columns[1].no_wrap = True
    for name in backtest["mean"]:
        table.add_column(label(name), justify="right")
    for fold in backtest["folds"]:
        figures = (number(scores["rmse"]) for scores in fold["scores"].values())
        table.add_row(str(fold["fold"]), fold["test_from"][:16], *figures)
    for what in ("mean", "spread"):
        table.add_row(what, "", *(number(scores["rmse"]) for scores in backtest[what].values()), style="bold")
    single = backtest["single_split"]["scores"]
    table.add_row("single split", "", *(number(single[name]["rmse"]) for name in backtest["mean"]))
    yield table
    yield _line("Report", written.place("backtest_page"))
    yield written.forecast(backtest["run_id"])


def _close_tuning(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    yield _line("Report", written.place("tuning_page"))
    yield _line("Next", written.load("best_settings")["command"])


def _close_benchmark(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    comparison = written.load("comparison")
    table = _table(
        comparison["benchmark_id"],
        "",
        "model",
        "inputs",
        with_unit("RMSE", comparison),
        "MASE",
        "p95 (ms)",
        "size (MB)",
    )
    winners = [
        (title, row_of(comparison["summary"], comparison["verdicts"][key]))
        for title, key in (("recommended", "recommendation"), ("most accurate", "accuracy"), ("on a device", "edge"))
    ]
    for title, row in [*winners, ("for scale", best_ridge(comparison))]:
        figures = (number(row[name]) for name in ("RMSE", "MASE", "p95(ms)", "model_size(MB)"))
        table.add_row(title, row["model_type"], row["data_mode"], *figures)
    yield table
    if comparison["verdicts"]["recommendation"]["loses_to_ridge"]:
        yield Text("With every seed, the recommended model loses to the ridge regression.", style="bold")
    yield _line("Report", written.place("comparison_page"))
    yield written.next("edge_matrix")


def _close_matrix(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    matrix = written.load("edge_matrix")
    gates, verdicts = matrix["gates"], matrix.get("verdicts", {})
    table = _table("Edge matrix", "model", "features", "file", "verdict", "p95 (ms)", "size (bytes)")
    for gate in gates:
        for name, item in gate["files"].items():
            if item["precision"] == "fp32":
                table.add_row(gate["model_type"], str(gate["f_total"]), name, _verdict(item), *_figures(item))
    yield table
    yield _line("Report", written.place("edge_matrix_report"))
    if verdicts:
        comparison = written.load("comparison")
        yield written.forecast(str(row_of(comparison["rows"], verdicts["recommendation"])["run_id"]))
    else:
        yield written.forecast(gates[0]["run_id"])


def _close_forecast(made: Collection[str], written: Written) -> Iterator[RenderableType]:
    forecast = written.load("forecast")
    lower, upper = (next(name for name in forecast if name.startswith(side)) for side in ("lower_", "upper_"))
    interval = f"{lower.removeprefix('lower_')} % within"
    table = _table("Forecast, first and last step", "series", "target", "time", "forecast", interval)
    times = _time_format(forecast[["origin", "timestamp"]])
    groups = list(forecast.groupby(["series_id", "target"], observed=True, sort=False))
    for (series, target), rows in groups[:_MOST_SERIES]:
        for _, row in rows.iloc[[0, -1]].iterrows():
            table.add_row(
                printable(str(series)),
                str(target),
                f"{row['timestamp']:{times}}",
                number(row["y_pred"]),
                f"{number(row[lower])} to {number(row[upper])}" if np.isfinite(row[upper]) else "unknown",
            )
    yield table
    if len(groups) > _MOST_SERIES:
        yield Text(f"and {len(groups) - _MOST_SERIES} more")
    if "drift" in made and describe_drift(written.load("drift")):
        yield _line("Drift", written.place("drift"))
    yield _line("Table", written.place("forecast_csv"))
    if written.invocation.program == "kedro run":  # kedro-viz needs a Kedro project
        shows = replace(written.invocation, program="kedro viz run", runner=None, runner_params={})
        ids = {name: written.load(f"params:{name}") for name in ("run_id", "forecast_id")}
        yield _line("Next", shows.command(None, ids) + "  # plot_forecast")


def _close_forecasts(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    yield _line("Tables", written.place("forecasts"))


def _time_format(times: Any) -> str:
    """Return the shortest format for a grid of years, months or days, else one with the time of day."""
    if any((column.dt.normalize() != column).any() for _, column in times.items()):
        return "%Y-%m-%d %H:%M"
    if any((column.dt.day != 1).any() for _, column in times.items()):
        return "%Y-%m-%d"
    return "%Y-%m" if any((column.dt.month != 1).any() for _, column in times.items()) else "%Y"


def _close_description(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    yield _line("Profile", written.place("table_profile"))
    yield _line("Schema", written.place("table_schema"))
    folder = written.invocation.conf_source or "conf"
    if written.invocation.conf_source is None or Path(folder).is_dir():  # a folder, not an archive
        again = replace(written.invocation, env=None, given={}).command()
        yield _line("Next", f"{_copy(written.place('table_parameters'), f'{folder}/local')} && {again}")


def _copy(place: str, folder: str) -> str:
    """Return the command that copies a file into a folder."""
    if "://" not in place:
        return shlex.join(["cp", place, f"{folder}/"])
    system, source, target = map(json.dumps, (place.partition("://")[0], place, f"{folder}/"))
    return shlex.join(["python", "-c", f"import fsspec; fsspec.filesystem({system}).get({source}, {target})"])


def _close_preprocessing(_made: Collection[str], written: Written) -> Iterator[RenderableType]:
    yield _line("Windows", written.place("model_input"))
    yield written.next("modelling")


_CLOSINGS: dict[str, Callable[[Collection[str], Written], Iterator[RenderableType]]] = {
    "backtest": _close_backtest,
    "comparison": _close_benchmark,
    "best_settings": _close_tuning,
    "edge_matrix": _close_matrix,
    "edge_gate": _close_run,
    "metrics": _close_run,
    "refit.metrics": _close_refit,
    "forecast": _close_forecast,
    "forecasts": _close_forecasts,
    "table_profile": _close_description,
    "model_input": _close_preprocessing,
}
"""Name of a dataset that a run made, to the function that makes the summary."""


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _line(label: str, text: str) -> Text:
    return Text.assemble((f"{label:<9}", "bold"), text)
