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
        edge_poc: Has the order of the model types, and the limits of latency and size.
        benchmark: Has the weights of accuracy, latency and size.
        comparison: What the benchmark found; accuracy is taken from it.
        edge_gates: What the gate found for each model.

    Returns:
        The gates with the verdicts, and the same for people.

    """
    order = {model_type: position for position, model_type in enumerate(edge_poc.order)}
    gates = sorted(edge_gates, key=lambda gate: (order.get(gate["model_type"], len(order)), gate["f_total"]))
    rows = make_file_rows(comparison["summary"], gates)
    limits = {"p95(ms)": edge_poc.p95_ms, "model_size(MB)": edge_poc.size_mb}
    verdicts = {}
    if rows:  # else no file passes
        found = make_verdicts(rows, benchmark.edge_weights, benchmark.recommendation_weights, limits)
        verdicts = add_reasons(found, rows, len(comparison["units"]))
    section = make_device_section({**comparison, "verdicts": verdicts})
    return {"gates": gates, "verdicts": verdicts}, make_matrix_report(gates, section)
