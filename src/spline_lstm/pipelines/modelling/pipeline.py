"""Wiring of the modelling."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.modelling.nodes import describe_run, evaluate_model, train_model, write_report


def create_pipeline() -> Pipeline:
    """From `model_input` to the model, its metrics, predictions and report."""
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
                ["metrics", "predictions"],
                name="evaluate_model",
            ),
            Node(
                describe_run,
                ["model", "last_model", "training_history", "model_input", "params:training", "params:run"],
                "run_record",
                name="describe_run",
            ),
            Node(write_report, ["metrics", "run_record", "model_input"], "report", name="write_report"),
        ]
    )
