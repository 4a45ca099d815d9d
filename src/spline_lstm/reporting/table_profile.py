"""A table's profile for people: the findings, and the parameters of a first run."""

import json
from typing import Any

from spline_lstm.reporting.markdown import table
from spline_lstm.selection.starting_point import StartingPoint
from spline_lstm.series.profile import TableProfile

_USUAL_GAP, _USUAL_MISSING, _MOST_MISSING = 24, 0.30, 0.99
_READING = ("timestamp_col", "timestamp_format", "layout", "wide_cols", "duplicates", "resample")


def make_starting_parameters(profile: TableProfile, start: StartingPoint, input_path: str, schema_path: str) -> str:
    """Write parameters for a first run.

    Args:
        profile: The findings.
        start: The proposals.
        input_path: The table.
        schema_path: Path of the starting schema.

    Returns:
        YAML with a comment above each value.

    """
    spec, reasons = profile.spec, profile.reasons
    gap, missing = profile.longest_gap, profile.missing_ratio
    entries: list[tuple[str, Any, str]] = [
        ("input_path", input_path, f"{profile.rows} rows"),
        ("covariate_spec", schema_path, "what each column is; say known_future: true for columns known ahead"),
        *((name, getattr(spec, name), reasons.get(name, "as usual")) for name in _READING),
        ("freq", profile.grid.frequency.alias, reasons.get("freq", "the usual step")),
        ("target_cols", spec.target_cols, reasons.get("target_cols", "the target")),
        ("series_id_cols", spec.series_id_cols, f"{len(profile.grid.series_names)} series"),
        ("feature_mode", start.inputs.feature_mode, start.inputs.reason),
        ("dynamic_covariates", _chosen(start), "[] takes all that the schema declares"),
        ("max_gap", max(gap, _USUAL_GAP), f"the longest gap of the target has {gap} steps{_unusual(gap > _USUAL_GAP)}"),
        (
            "max_missing_ratio",
            max(_USUAL_MISSING, min(_MOST_MISSING, round(missing + 0.01, 2))),
            f"{missing:.1%} of the target at most{_unusual(missing > _USUAL_MISSING)}",
        ),
        ("lookback", start.windows.lookback, "steps seen"),
        ("horizon", start.windows.horizon, "steps predicted"),
    ]
    heading = "# For a first run, copy this to conf/local/parameters.yml and change what you know better."
    unusual = [f"# Look at this: {line}" for line in profile.unusual]
    lines = [f"# {comment}\n{name}: {json.dumps(value, ensure_ascii=False)}" for name, value, comment in entries]
    return "\n\n".join([heading, *unusual, *lines]) + "\n"


def _unusual(is_unusual: bool) -> str:
    return ", which is unusual: a run refuses it unless this is raised, as here" if is_unusual else ""


def _chosen(start: StartingPoint) -> tuple[str, ...]:
    every = start.schema.dynamic_names
    return (
        ()
        if start.inputs.feature_mode == "univariate" or set(every) == set(start.inputs.dynamic)
        else start.inputs.dynamic
    )


def make_profile_text(profile: TableProfile) -> str:
    """Write the findings, in Markdown."""
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
        *(f"- look at this: {line}" for line in profile.unusual),
    ]
    columns = table(["column", "seems to be", "cells", "missing", "distinct", "content"], rows)
    return f"# {profile.source}\n\n" + "\n".join(lines) + f"\n\n{columns}\n"
