"""The page of a run: its report with pictures, and a place for the verdict of the edge gate."""

from typing import Any

from spline_lstm.reporting.explanation import make_explanation_pictures
from spline_lstm.reporting.page import fill_slot, make_page
from spline_lstm.reporting.plots import (
    make_coverage_pictures,
    make_error_pictures,
    make_steps_picture,
    make_window_pictures,
)
from spline_lstm.types import DataFrame

_GATE, _RELEASE = "edge gate", "release"


def make_run_page(
    report: str,
    metrics: dict[str, Any],
    predictions: DataFrame | None = None,
    explanations: dict[str, Any] | None = None,
) -> str:
    """Make the page.

    Args:
        report: Result of `run_report.make_report`.
        metrics: Of the run.
        predictions: Its test predictions; None for a refit, which has none.
        explanations: Explanations of the model; None for a refit.

    """
    by_group = [] if predictions is None else make_error_pictures(predictions, metrics)
    pictures = {
        "Forecasts on test": [] if predictions is None else make_window_pictures(predictions, metrics),
        "Errors": [make_steps_picture(metrics), *by_group],
        "Intervals": make_coverage_pictures(metrics),
        "Explanations": make_explanation_pictures(explanations) if explanations else [],
    }
    return make_page(report, pictures, {_RELEASE: "verdict", _GATE: "Files"})


def add_gate(page: str, edge_report: str) -> str:
    """Put the gate's report into the page of its run, and its opening after the verdict."""
    words = edge_report.partition("\n## ")[0].partition("\n")[2]
    return fill_slot(fill_slot(page, _RELEASE, words), _GATE, edge_report)
