"""Wiring of the preprocessing."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.preprocessing.nodes import fill_series, make_model_input, validate_table


def create_pipeline() -> Pipeline:
    """From `raw_table` and `covariate_schema` to `model_input`."""
    return Pipeline(
        [
            Node(
                validate_table, ["raw_table", "covariate_schema", "params:table"], "observations", name="validate_table"
            ),
            Node(
                fill_series,
                ["observations", "params:table", "params:fills", "params:windows"],
                "series",
                name="fill_series",
            ),
            Node(
                make_model_input,
                ["series", "covariate_schema", "params:table", "params:windows", "params:run"],
                ["model_input", "filled_series", "plot_fills"],
                name="make_model_input",
            ),
        ]
    )
