"""Wiring of the description."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.describe.nodes import describe_table


def create_pipeline() -> Pipeline:
    """From `raw_table` to a schema and parameters for its first run."""
    return Pipeline(
        [
            Node(
                describe_table,
                ["raw_table", "params:table", "params:given", "params:input_path", "params:table_schema_path"],
                ["table_profile", "table_schema", "table_parameters"],
                name="describe_table",
            ),
        ]
    )
