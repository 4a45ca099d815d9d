"""Wiring of the edge matrix: one edge gate for each model type and feature mode, and one table."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines import edge_poc
from spline_lstm.pipelines.edge_matrix.nodes import join_gates
from spline_lstm.pipelines.plan import Cell, current_plan


def create_pipeline() -> Pipeline:
    """From the benchmark's models (its first seed) to `edge_matrix`; run it after the benchmark, sequentially."""
    first = {(cell.model_type, cell.feature_mode): cell for cell in reversed(current_plan().cells)}
    cells = list(reversed(first.values()))
    if not cells:
        return Pipeline([])
    join = Node(
        join_gates,
        ["params:edge_poc", "params:benchmark", "comparison", *(f"{cell.run_id}.edge_gate" for cell in cells)],
        ["edge_matrix", "edge_matrix_report"],
        name="join_gates",
    )
    return sum((_gate(cell) for cell in cells), start=Pipeline([])) + Pipeline([join])


def _gate(cell: Cell) -> Pipeline:
    reporting = [node for node in edge_poc.create_pipeline().nodes if node.name != "enforce_gate"]
    return Pipeline(
        reporting,
        namespace=cell.run_id,
        inputs={"model_input": f"{cell.processed_run_id}.model_input"},
        parameters={
            "params:model": f"params:cells.{cell.run_id}.model",
            "params:run": f"params:cells.{cell.run_id}.run",
            "params:export": "params:export",
            "params:edge_poc": "params:edge_poc",
        },
    )
