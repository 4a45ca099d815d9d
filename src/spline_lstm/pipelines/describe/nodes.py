"""Nodes of the description."""

from typing import Any

from spline_lstm.reporting.table_profile import make_profile_text, make_starting_parameters
from spline_lstm.selection.starting_point import make_starting_schema
from spline_lstm.series.profile import profile_table
from spline_lstm.types import DataFrame


def describe_table(raw_table: DataFrame, input_path: str, schema_path: str) -> tuple[str, dict[str, Any], str]:
    """Look at a table; returns what was found, a starting schema, and starting parameters, which name its path."""
    profile = profile_table(raw_table)
    parameters = make_starting_parameters(profile, input_path, schema_path)
    return make_profile_text(profile), make_starting_schema(profile), parameters
