"""The description of a table as a pipeline."""

from typing import Any

import yaml

from spline_lstm.pipelines.describe import create_pipeline
from spline_lstm.pipelines.describe.nodes import describe_table
from spline_lstm.series.columns import TableSpec


def test_it_needs_the_table_and_where_things_are() -> None:
    params = {f"params:{name}" for name in ("table", "given", "input_path", "table_schema_path")}
    assert create_pipeline().inputs() == {"raw_table", *params}


def test_it_makes_a_profile_a_schema_and_parameters() -> None:
    assert create_pipeline().outputs() == {"table_profile", "table_schema", "table_parameters"}


def test_the_parameters_name_the_table_and_the_schema_beside_them(make_table: Any, make_parameters: Any) -> None:
    spec = make_parameters().part(TableSpec)
    text, schema, parameters = describe_table(
        make_table(), spec, {}, "my.csv", "data/08_reporting/tables/my/covariates.schema.json"
    )
    named = yaml.safe_load(parameters)
    assert named["input_path"] == "my.csv"
    assert named["covariate_spec"] == "data/08_reporting/tables/my/covariates.schema.json"
    assert named["target_cols"] == schema["target_cols"]
    assert text.startswith("# raw_table")


def test_a_parameter_on_the_command_line_is_not_guessed(make_table: Any, make_parameters: Any) -> None:
    given = {"target_cols": "humidity", "freq": "2h", "resample": "last"}
    spec = make_parameters(**given).part(TableSpec)
    _, schema, parameters = describe_table(make_table(steps=120), spec, given, "my.csv", "x")
    named = yaml.safe_load(parameters)
    assert (named["target_cols"], named["freq"], named["resample"]) == (["humidity"], "2h", "last")
    assert schema["target_cols"] == ["humidity"]
