"""Nodes of the edge matrix."""

from typing import Any

from spline_lstm.reporting import gate_report


def join_gates(*edge_gates: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Join the verdicts of all models; returns them and the table for people."""
    gates = sorted(
        edge_gates, key=lambda gate: (gate["model_type"] != "gru", gate["model_type"] != "lstm", gate["f_total"])
    )
    return {"gates": gates}, gate_report.make_plan_report(gates)
