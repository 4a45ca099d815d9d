"""Wiring of the modelling."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.modelling.nodes import (
    describe_run,
    evaluate_model,
    explain_model,
    plot_run,
    train_model,
    write_model_card,
    write_report,
)


def create_pipeline() -> Pipeline:
    """From `model_input` to the model, its metrics, predictions, intervals, report, card and plots."""
    return Pipeline(
        [
            Node(
                train_model,
                ["model_input", "params:model", "params:training", "params:run"],
                ["model", "last_model", "training_history"],
                name="train_model",
            ),
            Node(
                evaluate_model,
                ["model", "model_input", "params:model", "params:evaluation", "params:run"],
                ["metrics", "series_metrics", "predictions", "intervals"],
                name="evaluate_model",
            ),
            Node(
                describe_run,
                ["model", "last_model", "training_history", "model_input", "params:training", "params:run"],
                "run_record",
                name="describe_run",
            ),
            Node(
                explain_model,
                ["model", "model_input", "predictions", "params:model", "params:training"],
                "explanations",
                name="explain_model",
            ),
            Node(
                plot_run,
                ["metrics", "predictions", "training_history", "explanations"],
                [
                    "plot_windows",
                    "plot_steps",
                    "plot_coverage",
                    "plot_residuals",
                    "plot_training",
                    "plot_explanations",
                ],
                name="plot_run",
            ),
            Node(write_model_card, ["metrics", "run_record", "model_input"], "model_card", name="write_model_card"),
            Node(
                write_report,
                ["metrics", "run_record", "model_input", "predictions", "explanations"],
                ["report", "report_page"],
                name="write_report",
            ),
        ]
    )
