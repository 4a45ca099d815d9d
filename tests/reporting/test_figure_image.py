"""Plotly figures of the project as images."""

import json

import numpy as np
import pytest

from spline_lstm.reporting.figure_image import draw_figure, read_picture
from spline_lstm.reporting.picture import Band, Bars, Line, Picture
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.svg import draw

STAMPS = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns]")
PICTURES = {
    "lines and a band over time": Picture(
        "forecasts", "time (UTC)", "target (°F)",
        (Band("80 %", STAMPS, [0, 1], [2, 3], "#3182bd"), Line("forecast", STAMPS, [1.5, np.nan], "#3182bd", "dot")),
    ),
    "bars of names": Picture("by series", "series", "RMSE", (Bars("RMSE", ["EWR", "JFK"], [1, 2], "#3182bd"),)),
    "bars over numbers": Picture("by hour", "hour", "RMSE", (Bars("RMSE", [1, 2], [3, 4], "#3182bd"),), from_zero=True),
    "points": Picture("latency", "p95 (ms)", "RMSE", (Line("gru", [1, 2], [3, 4], "#2a9247", "points"),)),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_is_drawn_as_the_picture_that_it_was_made_of(name: str) -> None:
    figure = json.loads(make_figure("", [PICTURES[name]]).to_json())
    assert draw_figure(figure) == draw(PICTURES[name])


def test_of_several_pictures_the_first_is_drawn() -> None:
    first, second = PICTURES["points"], PICTURES["bars of names"]
    figure = make_figure("both", [first, second]).to_dict()
    assert read_picture(figure["data"][:1], figure["layout"]).y_title == "RMSE"
    assert "EWR" not in (draw_figure(figure) or "")


def test_a_figure_of_other_marks_has_no_image() -> None:
    assert draw_figure({"data": [{"type": "heatmap", "z": [[1]]}], "layout": {}}) is None
    assert draw_figure({"data": [], "layout": {}}) is None
