"""Nodes of the edge matrix."""

from typing import Any

from spline_lstm.edge.gate import EdgeSpec
from spline_lstm.evaluation.verdicts import make_file_rows, make_verdicts
from spline_lstm.pipelines.plan import BenchmarkSpec
from spline_lstm.reporting.comparison_report import add_reasons, make_device_section
from spline_lstm.reporting.gate_report import make_matrix_report


def join_gates(
    edge_poc: EdgeSpec, benchmark: BenchmarkSpec, comparison: dict[str, Any], *edge_gates: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """Join the verdicts of all models, and find the file to ship.

    Args:
        edge_poc: Order of the model types, and limits of latency and size.
        benchmark: Weights of accuracy, latency and size.
        comparison: Result of the benchmark, for the accuracy.
        edge_gates: Result of the gate for each model.

    Returns:
        The gates with the verdicts, as data and as a report.

    """
    order = {model_type: position for position, model_type in enumerate(edge_poc.order)}
    gates = sorted(edge_gates, key=lambda gate: (order.get(gate["model_type"], len(order)), gate["f_total"]))
    rows = make_file_rows(comparison["summary"], gates)
    limits = {"p95(ms)": edge_poc.p95_ms, "model_size(MB)": edge_poc.size_mb}
    verdicts = {}
    if rows:  # otherwise no file passed
        found = make_verdicts(rows, benchmark.edge_weights, benchmark.recommendation_weights, limits)
        verdicts = add_reasons(found, rows, len(comparison["units"]))
    section = make_device_section({**comparison, "verdicts": verdicts})
    return {"gates": gates, "verdicts": verdicts}, make_matrix_report(gates, section)
