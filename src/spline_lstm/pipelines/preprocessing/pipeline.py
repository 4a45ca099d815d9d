"""Wiring of the preprocessing."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.preprocessing.nodes import (
    PartOf,
    fill_series,
    join_series,
    make_model_input,
    validate_table,
)
from spline_lstm.project.plan import current_matrix


def create_pipeline() -> Pipeline:
    """From the raw table and `covariate_schema` to `model_input`, in so many parts as `partitions` says."""
    count = current_matrix().partitions
    return preprocess_in_parts(count) if count > 1 else preprocess()


def preprocess() -> Pipeline:
    """From `raw_table` and `covariate_schema` to `model_input`."""
    validating = Node(
        validate_table, ["raw_table", "covariate_schema", "params:table"], "observations", name="validate_table"
    )
    return Pipeline([validating, _filling(), _making()])


def preprocess_in_parts(count: int) -> Pipeline:
    """From `table_files` and `covariate_schema` to `model_input`: the same, some series at a time.

    What is learnt and decided concerns all series: only their validation and filling is divided.
    """
    names = [f"part{number + 1}of{count}" for number in range(count)]
    joining = Node(join_series, ["params:windows", *(f"{name}.series" for name in names)], "series", name="join_series")
    return sum((_part(number, name, count) for number, name in enumerate(names)), start=Pipeline([joining, _making()]))


def _part(number: int, name: str, count: int) -> Pipeline:
    validating = Node(
        PartOf(number, count).validate_part,
        ["table_files", "covariate_schema", "params:table"],
        "observations",
        name="validate_table",
    )
    return Pipeline(
        [validating, _filling()],
        namespace=name,
        inputs={"table_files", "covariate_schema"},
        parameters={"params:table", "params:fills", "params:windows"},
    )


def _filling() -> Node:
    return Node(
        fill_series, ["observations", "params:table", "params:fills", "params:windows"], "series", name="fill_series"
    )


def _making() -> Node:
    return Node(
        make_model_input,
        ["series", "covariate_schema", "params:table", "params:windows", "params:run"],
        ["model_input", "filled_series", "plot_fills"],
        name="make_model_input",
    )
