"""Additions to Kedro's notebook session: four helpers, plots that also show as images, and no log lines."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kedro.framework.hooks import hook_impl
from kedro.framework.project import configure_logging
from kedro.io import CatalogProtocol

from spline_lstm.evaluation import error_groups
from spline_lstm.evaluation.run_table import compare_runs, make_run_table
from spline_lstm.project.finished_runs import FinishedRuns
from spline_lstm.reporting.figure_image import add_images
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.plots import choose_window_picture
from spline_lstm.types import DataFrame


class NotebookHooks:
    """Prepare an IPython session, such as a notebook; do nothing elsewhere."""

    def __init__(self) -> None:
        self._context: Any = None

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Load the project's logging; Kedro looks for its file only in the working directory."""
        self._context = context
        path = Path(str(context.config_loader.conf_source)) / "logging.yml"
        if (shell := _shell()) is None:
            return
        if path.is_file() and not os.environ.get("KEDRO_LOGGING_CONFIG"):
            configure_logging(yaml.safe_load(path.read_text(encoding="utf-8")))
        # Kedro's logging makes rich print every value, which adds an empty output to tables and plots.
        formatters = shell.display_formatter.formatters
        formatters["text/plain"] = sys.modules["IPython"].core.formatters.PlainTextFormatter(parent=shell)

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Add the helpers to the session."""
        if (shell := _shell()) is not None:
            finished = FinishedRuns(self._context.entries, self._context.project_path)
            shell.push(make_helpers(finished, catalog.load("params:run_id")))
            add_images()


def make_helpers(finished: FinishedRuns, current: str) -> dict[str, Callable[..., Any]]:
    """Return the helpers by name.

    Args:
        finished: All runs.
        current: The default run.

    """

    def runs() -> DataFrame:
        """Return one row per run, with settings and test scores, latest first."""
        return make_run_table((finished.load(run, "run_record"), finished.load(run, "metrics")) for run in finished.ids)

    def compare(run: str, *others: str) -> DataFrame:
        """Score runs on their common test forecasts; a single run is compared with the current run."""
        chosen = (run, *(others or (current,)))
        return compare_runs(
            {run: finished.load(run, "predictions") for run in chosen},
            {run: finished.load(run, "run_record")["settings"] for run in chosen},
        )

    def plot_window(series: str | None = None, origin: Any = None, *, run: str = current) -> Any:
        """Plot a series' test forecast from the nearest origin; by default the first series and the last origin."""
        predictions, metrics = finished.load(run, "predictions"), finished.load(run, "metrics")
        return make_figure("Forecast", [choose_window_picture(predictions, metrics, series, origin)])

    def errors_by(*groups: str, run: str = current) -> DataFrame:
        """Score the test forecasts by one or more of hour, weekday, month, series, step and target."""
        return error_groups.errors_by(finished.load(run, "predictions"), *groups)

    return {"runs": runs, "compare": compare, "plot_window": plot_window, "errors_by": errors_by}


def _shell() -> Any:
    """Return the IPython session of this process, or None."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
