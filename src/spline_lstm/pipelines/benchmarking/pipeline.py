"""Wiring of the benchmark: one preprocessing for each feature mode, one modelling for each cell, one comparison."""

from functools import partial

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines import modelling
from spline_lstm.pipelines.benchmarking.nodes import CompareCells, Tolerant
from spline_lstm.pipelines.plan import Cell, current_plan
from spline_lstm.pipelines.preprocessing.pipeline import preprocess
from spline_lstm.pipelines.wrapping import wrap_node


def create_pipeline() -> Pipeline:
    """From the raw table to the comparison; every cell is a namespace that can be run and resumed alone."""
    plan = current_plan()
    cells = plan.cells
    if not cells:
        return Pipeline([])
    sources = tuple(dict.fromkeys(cell.processed_run_id for cell in cells))
    parts = [_preprocess(source) for source in sources] + [_model(cell) for cell in cells]
    return sum(parts, start=Pipeline([])) + _compare(cells, sources, ensemble=plan.ensemble)


def _preprocess(source: str) -> Pipeline:
    return Pipeline(
        preprocess(),
        namespace=source,
        inputs={"table_files", "covariate_schema"},
        parameters={
            "params:table": f"params:sources.{source}.table",
            "params:run": f"params:sources.{source}.run",
            "params:fills": "params:fills",
            "params:windows": "params:windows",
        },
    )


def _model(cell: Cell) -> Pipeline:
    forgiving = Pipeline(
        [wrap_node(node, partial(Tolerant, cell, len(node.outputs))) for node in modelling.create_pipeline().nodes]
    )
    return Pipeline(
        forgiving,
        namespace=cell.run_id,
        inputs={"model_input": f"{cell.processed_run_id}.model_input"},
        parameters={
            "params:model": f"params:cells.{cell.run_id}.model",
            "params:training": f"params:cells.{cell.run_id}.training",
            "params:run": f"params:cells.{cell.run_id}.run",
            "params:evaluation": "params:evaluation",
        },
    )


def _compare(cells: tuple[Cell, ...], sources: tuple[str, ...], *, ensemble: bool) -> Pipeline:
    comparing = CompareCells(cells)

    def named(*names: str) -> dict[str, str]:
        return {name: name for name in names}

    def of_cells(*names: str) -> dict[str, str]:
        return named(*(f"{cell.run_id}.{name}" for name in names for cell in cells))

    inputs = named(*(f"{source}.model_input" for source in sources))
    groups = {"benchmark": "params:benchmark", "benchmark_id": "params:benchmark_id"}
    scoring = Node(
        comparing.score_ensembles,
        {"evaluation": "params:evaluation", **named("operation"), **of_cells("model"), **inputs},
        "ensembles",
        name="score_ensembles",
    )
    measuring = Node(
        comparing.measure_operation,
        {"benchmark": "params:benchmark", **of_cells("model", "report"), **inputs},
        "operation",
        name="measure_operation",
    )
    joining = Node(
        comparing.compare,
        {**groups, **named("operation", *(["ensembles"] if ensemble else [])), **of_cells("metrics", "run_record")},
        [
            "comparison",
            "comparison_table",
            "comparison_report",
            "comparison_page",
            "benchmark_runs",
            "plot_accuracy_latency",
            "plot_horizon",
            "plot_seeds",
        ],
        name="compare",
    )
    return Pipeline([*([scoring] if ensemble else []), measuring, joining])
