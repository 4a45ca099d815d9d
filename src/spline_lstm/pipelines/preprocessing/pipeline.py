"""Wiring of the preprocessing."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.plan import current_plan
from spline_lstm.pipelines.preprocessing.nodes import (
    Partition,
    join_series,
    list_series,
    make_model_input,
    window_series,
)

_MADE = ["model_input", "filled_series", "plot_fills"]


def create_pipeline() -> Pipeline:
    """From the table and `covariate_schema` to `model_input`, in one or several partitions."""
    count = current_plan().partitions
    return preprocess_in_partitions(count) if count > 1 else preprocess()


def preprocess() -> Pipeline:
    """From `table_files` and `covariate_schema` to `model_input`."""
    groups = [f"params:{name}" for name in ("table", "fills", "windows", "run")]
    return Pipeline(
        [Node(make_model_input, ["table_files", "covariate_schema", *groups], _MADE, name="make_model_input")]
    )


def preprocess_in_partitions(count: int) -> Pipeline:
    """From `table_files` and `covariate_schema` to `model_input`, in partitions.

    Only the validation and filling of series is divided; everything learnt or decided uses all series.
    """
    names = [f"part{number + 1}of{count}" for number in range(count)]
    joining = Node(join_series, ["params:windows", *(f"{name}.series" for name in names)], "series", name="join_series")
    listing = Node(list_series, ["table_files", "covariate_schema", "params:table"], "file_series", name="list_series")
    start = Pipeline([listing, joining, window_filled_series()])
    return sum((_partition(number, name, count) for number, name in enumerate(names)), start=start)


def window_filled_series() -> Node:
    """From `series` and `covariate_schema` to `model_input`."""
    groups = [f"params:{name}" for name in ("table", "windows", "run")]
    return Node(window_series, ["series", "covariate_schema", *groups], _MADE, name="window_series")


def _partition(number: int, name: str, count: int) -> Pipeline:
    groups = {f"params:{group}" for group in ("table", "fills", "windows")}
    filling = Node(
        Partition(number, count).fill_series,
        ["table_files", "file_series", "covariate_schema", "params:table", "params:fills", "params:windows"],
        "series",
        name="fill_series",
    )
    return Pipeline(
        [filling], namespace=name, inputs={"table_files", "file_series", "covariate_schema"}, parameters=groups
    )
