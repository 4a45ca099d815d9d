"""Wiring of the refit."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.refit.nodes import (
    carry_intervals,
    carry_metrics,
    describe_refit,
    refit_model,
    window_all,
    write_refit_texts,
)


def create_pipeline() -> Pipeline:
    """From a run and its table to a new run, `<run_id>-refit`, for forecasting and the edge gate."""
    return Pipeline(
        [
            Node(
                window_all, ["trained_run", "later_table", "params:refit.run"], "refit.model_input", name="window_all"
            ),
            Node(
                refit_model,
                ["refit.model_input", "trained_run", "training_history", "params:refit.run"],
                ["refit.model", "refit.last_model", "refit.training_history"],
                name="refit_model",
            ),
            Node(
                carry_intervals,
                ["intervals", "refit.model", "params:refit.run"],
                "refit.intervals",
                name="carry_intervals",
            ),
            Node(
                carry_metrics,
                ["metrics", "intervals", "refit.model", "params:refit.run"],
                "refit.metrics",
                name="carry_metrics",
            ),
            Node(
                describe_refit,
                ["trained_run", "refit.model_input", "refit.model", "refit.training_history", "params:refit"],
                "refit.run_record",
                name="describe_refit",
            ),
            Node(
                write_refit_texts,
                ["refit.metrics", "refit.run_record", "refit.model_input"],
                ["refit.report", "refit.report_page", "refit.model_card"],
                name="write_refit_texts",
            ),
        ]
    )
