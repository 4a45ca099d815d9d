"""The texts about a table: its profile, and the parameters of a first run."""

from typing import Any

import pytest
import yaml

from spline_lstm.reporting.table_profile import make_profile_text, make_starting_parameters
from spline_lstm.selection.starting_point import propose_start
from spline_lstm.series.first_look import profile_table
from spline_lstm.series.profile import TableProfile


@pytest.fixture(scope="module")
def profile(make_table: Any) -> TableProfile:
    renamed = make_table(steps=2_000, gaps={"target": list(range(100, 130))}).rename(columns={"target": "°F, on roof"})
    return profile_table(renamed)


def test_limits_allow_the_gaps_that_there_are(profile: TableProfile) -> None:
    text = make_starting_parameters(profile, propose_start(profile), "table.csv", "covariates.schema.json")
    said = "# the longest gap of the target has 30 steps, which is unusual: a run refuses it unless this is raised"
    assert f"{said}, as here\nmax_gap: 30\n" in text


def test_names_are_quoted(profile: TableProfile) -> None:
    parameters = yaml.safe_load(
        make_starting_parameters(profile, propose_start(profile), "my: table.csv", "covariates.schema.json")
    )
    assert parameters["input_path"] == "my: table.csv"
    assert parameters["target_cols"] == ["°F, on roof"]


def test_the_text_lists_every_column(profile: TableProfile) -> None:
    text = make_profile_text(profile)
    assert text.startswith("# raw_table\n\n- 4000 rows, 2 series of up to 2000 steps of h, over 83 days\n")
    assert "| `station` | series id | category | 0.0% | 2 | EWR, JFK |" in text
