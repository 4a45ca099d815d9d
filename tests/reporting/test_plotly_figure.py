"""Pictures as Plotly figures."""

import numpy as np
import pytest

from spline_lstm.reporting.picture import Band, Bars, Line, Picture
from spline_lstm.reporting.plotly_figure import make_figure

STAMPS = np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns]")
OVER_TIME = Picture(
    "forecasts", "time (UTC)", "target (°F)",
    (Band("80 %", STAMPS, [0, 1], [2, 3], "#3182bd"), Line("forecast", STAMPS, [1, 2], "#3182bd")),
)  # fmt: skip
NAMED = Picture("by series", "series", "RMSE (°F)", (Bars("RMSE", ["EWR", "JFK"], [1, 2], "#3182bd"),))


def test_both_edges_of_a_band_say_what_they_are() -> None:
    lower, upper, forecast = make_figure("", [OVER_TIME]).data
    assert [trace.hovertemplate.partition(" %{")[0] for trace in (lower, upper)] == ["80 % from", "80 % to"]
    assert [trace.name for trace in (lower, upper, forecast) if trace.showlegend is None] == ["80 %", "forecast"]


def test_a_figure_has_one_pair_of_axes_and_a_selector_that_changes_what_they_count() -> None:
    figure = make_figure("all", [OVER_TIME, NAMED])
    assert {(trace.xaxis or "x", trace.yaxis or "y") for trace in figure.data} == {("x", "y")}
    assert [trace.visible for trace in figure.data] == [True, True, True, False]
    first, second = figure.layout.updatemenus[0].buttons
    assert (first.label, second.label) == ("forecasts", "by series")
    shown, axes = second.args
    assert shown["visible"] == [False, False, False, True]
    assert axes == {
        "xaxis.title.text": "RMSE (°F)", "yaxis.title.text": "series", "xaxis.type": "linear", "yaxis.type": "category",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "titles"), [(OVER_TIME, ("time (UTC)", "target (°F)")), (NAMED, ("RMSE (°F)", "series"))]
)
def test_every_axis_has_its_title(picture: Picture, titles: tuple[str, str]) -> None:
    layout = make_figure("", [picture]).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == titles
    assert layout.title.text == picture.title


def test_points_are_not_joined_and_tell_their_names() -> None:
    points = Line("gru", [1, 2], [3, 4], "#3182bd", "points", ("seed 1", "seed 2"))
    (trace,) = make_figure("", [Picture("", "x", "y", (points,))]).data
    assert (trace.mode, tuple(trace.text)) == ("markers", ("seed 1", "seed 2"))
