"""Nodes of the edge matrix."""

from typing import Any

from spline_lstm.edge.gate import EdgeSpec
from spline_lstm.reporting import gate_report


def join_gates(edge_poc: EdgeSpec, *edge_gates: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Join the verdicts of all models in the order that is asked for; returns them and the table for people."""
    order = {model_type: position for position, model_type in enumerate(edge_poc.order)}
    gates = sorted(edge_gates, key=lambda gate: (order.get(gate["model_type"], len(order)), gate["f_total"]))
    return {"gates": gates}, gate_report.make_matrix_report(gates)
