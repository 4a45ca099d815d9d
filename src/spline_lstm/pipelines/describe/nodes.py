"""Nodes of the description."""

import logging
from typing import Any

from spline_lstm.reporting.table_profile import make_profile_text, make_starting_parameters
from spline_lstm.selection.starting_point import propose_start
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.first_look import profile_table
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


def describe_table(
    raw_table: DataFrame, table: TableSpec, given: dict[str, Any], input_path: str, schema_path: str
) -> tuple[str, dict[str, Any], str]:
    """Describe a table.

    Args:
        raw_table: The table.
        table: All parameters that say how to read it.
        given: The parameters on the command line; these keep their values in `table`, the others are guessed.
        input_path: Path of the table.
        schema_path: Path of the schema to be written.

    Returns:
        The findings, a starting schema, and starting parameters.

    """
    known = {name: getattr(table, name) for name in given if name in TableSpec.model_fields}
    profile = profile_table(raw_table, known)
    for line in profile.unusual:
        logger.warning(line)
    start = propose_start(profile)
    schema = start.schema.model_dump(mode="json", exclude_none=True)
    parameters = make_starting_parameters(profile, start, input_path, schema_path)
    return make_profile_text(profile), schema, parameters
