"""The description of a table as a pipeline."""

from typing import Any

import yaml

from spline_lstm.pipelines.describe import create_pipeline
from spline_lstm.pipelines.describe.nodes import describe_table


def test_it_needs_the_table_and_where_things_are() -> None:
    assert create_pipeline().inputs() == {"raw_table", "params:input_path", "params:table_schema_path"}


def test_it_makes_a_profile_a_schema_and_parameters() -> None:
    assert create_pipeline().outputs() == {"table_profile", "table_schema", "table_parameters"}


def test_the_parameters_name_the_table_and_the_schema_beside_them(make_table: Any) -> None:
    text, schema, parameters = describe_table(
        make_table(), "my.csv", "data/08_reporting/tables/my/covariates.schema.json"
    )
    named = yaml.safe_load(parameters)
    assert named["input_path"] == "my.csv"
    assert named["covariate_spec"] == "data/08_reporting/tables/my/covariates.schema.json"
    assert named["target_cols"] == schema["target_cols"]
    assert text.startswith("# raw_table")
