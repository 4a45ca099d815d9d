"""Wiring of the benchmark: one preprocessing a feature mode, one modelling a cell, one comparison."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines import modelling
from spline_lstm.pipelines.benchmarking.nodes import CompareCells, Tolerant
from spline_lstm.pipelines.plan import Cell, current_plan
from spline_lstm.pipelines.preprocessing.pipeline import preprocess


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
        [
            Node(
                Tolerant(node.func, len(node.outputs), cell.run_id),
                node.inputs,
                node.outputs if len(node.outputs) > 1 else node.outputs[0],
                name=node.name,
            )
            for node in modelling.create_pipeline().nodes
        ]
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

    def of_cells(name: str) -> list[str]:
        return [f"{cell.run_id}.{name}" for cell in cells]

    bundles = [f"{source}.model_input" for source in sources]
    scoring = Node(
        comparing.score_ensembles,
        ["params:evaluation", "operation", *of_cells("model"), *bundles],
        "ensembles",
        name="score_ensembles",
    )
    return Pipeline(
        [
            *([scoring] if ensemble else []),
            Node(
                comparing.measure_operation,
                ["params:benchmark", *of_cells("model"), *of_cells("report"), *bundles],
                "operation",
                name="measure_operation",
            ),
            Node(
                comparing.compare,
                [
                    "params:benchmark", "params:benchmark_id", "operation",
                    *of_cells("metrics"), *of_cells("run_record"), *(["ensembles"] if ensemble else []),
                ],
                [
                    "comparison", "comparison_table", "comparison_report", "benchmark_runs",
                    "plot_accuracy_latency", "plot_horizon", "plot_seeds",
                ],
                name="compare",
            ),
        ]
    )  # fmt: skip
