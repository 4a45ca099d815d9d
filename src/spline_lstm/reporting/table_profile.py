"""A table's profile for people: what was found, and the parameters of a first run."""

import json

from spline_lstm.reporting.markdown import table
from spline_lstm.selection.starting_point import suggest_windows
from spline_lstm.series.profile import TableProfile

_USUAL_GAP, _USUAL_MISSING = 24, 0.30


def make_starting_parameters(profile: TableProfile, input_path: str, schema_path: str) -> str:
    """Write parameters for a first run.

    Args:
        profile: What was found.
        input_path: The table.
        schema_path: Where the starting schema is.

    Returns:
        YAML with a comment above each value.

    """
    lookback, horizon = suggest_windows(profile)
    numbers = [column.name for column in profile.columns if column.role == "dynamic covariate"]
    gap, missing = profile.longest_gap, profile.missing_ratio
    entries = [
        ("input_path", input_path, f"{profile.rows} rows"),
        ("covariate_spec", schema_path, "what the columns are; say known_future: true for what is known ahead"),
        ("feature_mode", "multivariate", "univariate: the target alone"),
        ("target_cols", profile.schema.target_cols, f"others that vary: {', '.join(numbers) or 'none'}"),
        ("series_id_cols", profile.series_id, f"{len(profile.grid.series_names)} series"),
        ("freq", profile.grid.frequency.alias, "the usual step"),
        ("max_gap", max(gap, _USUAL_GAP), f"the longest gap of the target has {gap} steps"),
        ("max_missing_ratio", max(_USUAL_MISSING, round(missing + 0.01, 2)), f"{missing:.1%} of the target at most"),
        ("lookback", lookback, "steps seen"),
        ("horizon", horizon, "steps predicted"),
    ]
    heading = "# For a first run, copy this to conf/local/parameters.yml and change what you know better."
    lines = [f"# {comment}\n{name}: {json.dumps(value, ensure_ascii=False)}" for name, value, comment in entries]
    return "\n\n".join([heading, *lines]) + "\n"


def make_profile_text(profile: TableProfile) -> str:
    """Write what was found, in Markdown."""
    rows = [
        [f"`{item.name}`", item.role, item.kind, f"{item.missing:.1%}", str(item.distinct), item.content]
        for item in profile.columns
    ]
    grid = profile.grid
    lines = [
        f"- {profile.rows} rows, {len(grid.series_names)} series of up to {profile.longest} steps of "
        f"{grid.frequency.alias}, over {profile.days:.0f} days",
        f"- {grid.absent_rows} rows absent between the first and last target; longest gap {profile.longest_gap} "
        f"steps, at most {profile.missing_ratio:.1%} of a series missing",
    ]
    columns = table(["column", "seems to be", "cells", "missing", "distinct", "content"], rows)
    return f"# {profile.source}\n\n" + "\n".join(lines) + f"\n\n{columns}\n"
