"""Wiring of the edge gate."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.edge_poc.nodes import enforce_gate, export_model, judge_exports, write_edge_report
from spline_lstm.pipelines.plan import current_plan


def create_pipeline() -> Pipeline:
    """From `model`, `model_input`, `intervals` and `report_page` to the exported files and the gate's verdict."""
    # Kedro runs a node without outputs every time, so it exists only if it has something to do.
    enforce = Node(enforce_gate, "edge_gate", None, name="enforce_gate")
    return Pipeline(
        [
            Node(
                export_model,
                ["model", "model_input", "intervals", "params:model", "params:export", "params:edge_poc", "params:run"],
                "exported_models",
                name="export_model",
            ),
            Node(
                judge_exports,
                [
                    "exported_models",
                    "model",
                    "model_input",
                    "intervals",
                    "params:model",
                    "params:edge_poc",
                    "params:run",
                ],
                "edge_gate",
                name="judge_exports",
            ),
            Node(
                write_edge_report, ["edge_gate", "report_page"], ["edge_report", "gated_page"], name="write_edge_report"
            ),
            *([enforce] if current_plan().enforce else []),
        ]
    )
