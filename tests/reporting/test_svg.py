"""Pictures as SVG."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from spline_lstm.reporting.picture import Band, Bars, Line, Picture
from spline_lstm.reporting.svg import draw

SVG = "{http://www.w3.org/2000/svg}"
BLUE = "#3182bd"


def over(x: Any) -> Picture:
    y = np.linspace(-3, 40, len(x))
    marks = (Band("80 %", x, y - 1, y + 1, BLUE), Line("forecast", x, y, BLUE), Line("found", x, y, BLUE, "points"))
    return Picture("A <picture> & more", "time (UTC)", "target (°F)", marks)


def stamps(first: str, step: str, count: int) -> Any:
    return np.datetime64(first, "ns") + np.arange(count) * np.timedelta64(*step.split())  # type: ignore[call-overload]


def texts(picture: Picture) -> list[str]:
    return [element.text or "" for element in ET.fromstring(draw(picture)).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("x", "labels"),
    [
        (np.arange(1, 25), ["5", "10", "15", "20"]),
        (stamps("2024-03-01T05:00", "1 h", 30), ["03-01 12:00", "03-02 00:00"]),
        (stamps("2024-03-01", "1 D", 12), ["2024-03-03", "2024-03-08"]),
        (stamps("2001-01-01", "30 D", 120), ["2002-01", "2010-01"]),
    ],
)
def test_ticks_are_round_and_few(x: Any, labels: list[str]) -> None:
    found = texts(over(x))
    assert [label for label in labels if label not in found] == []
    assert len(found) <= 20


def test_everything_lies_within_the_frame() -> None:
    text = draw(over(np.arange(50)))
    width, height = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', text)[0])
    points = [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", text)]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    assert len(points) > 100


def test_names_cannot_become_markup() -> None:
    line = Line('<script>alert("x")</script>', [1, 2], [1, 2], BLUE)
    bars = Bars("a & b", ["<b>EWR</b>"], [1], BLUE)
    for marks in ((line, line), (bars, bars)):
        root = ET.fromstring(draw(Picture("<i>", "<x>", "<y>", marks)))
        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            "svg",
            "g",
            "path",
            "rect",
            "text",
            "title",
        }


def test_what_is_not_known_interrupts_a_line() -> None:
    text = draw(Picture("", "x", "y", (Line("a", [1, 2, 3, 4], [1, np.nan, 2, 3], BLUE),)))
    (path,) = re.findall(rf'd="([^"]+)" fill="none" stroke="{BLUE}"', text)
    assert re.sub(r"[\d. ]+", "", path) == "MML"


@pytest.mark.parametrize("count", [1, 2])
def test_a_single_time_can_be_drawn(count: int) -> None:
    assert "nan" not in draw(over(stamps("2024-03-01", "1 h", count)))


@pytest.mark.parametrize("y", [[np.nan, np.nan], [5, 5], [0, 0], [1e-9, 2e-9], [1e9, 3e9], [-1e-3, 1e6]])
def test_any_values_can_be_drawn(y: list[float]) -> None:
    marks = (Line("a", [1, 2], y, BLUE), Bars("b", [1, 2], y, BLUE))
    assert "nan" not in draw(Picture("", "x", "y", marks))


def test_named_bars_have_a_row_and_a_number_each() -> None:
    seeds = tuple(Bars(f"seed {seed}", ["EWR", "the very long name of a series"], [1.5, 3], BLUE) for seed in (1, 2))
    found = texts(Picture("", "series", "RMSE (°F)", seeds))
    assert found[:2] == ["seed 1", "seed 2"]
    assert [found.count(text) for text in ("1.5", "3", "EWR", "the very long name of a ser…")] == [2, 2, 1, 1]
    assert found[-1] == "RMSE (°F)"


def test_an_error_begins_at_zero_where_it_is_to() -> None:
    line = Line("a", [1, 2], [50, 60], BLUE)
    assert "0" in texts(Picture("", "x", "y", (line,), from_zero=True))
    assert "0" not in texts(Picture("", "x", "y", (line,)))


def labels_of(x: Any, y: Any) -> list[str]:
    picture = Picture("title", "x", "y", (Line("a", x, y, "#123456"),))
    return [text.text or "" for text in ET.fromstring(draw(picture)).iter() if text.tag.endswith("text")]


def test_ticks_of_a_narrow_range_have_the_digits_that_tell_them_apart() -> None:
    found = labels_of([0, 1], [1013.2, 1013.9])
    assert {"1013.2", "1013.4", "1013.6", "1013.8", "1014.0"} <= set(found)


def test_minutes_have_ticks_of_their_own() -> None:
    minutes = np.datetime64("2024-01-01T00:07") + np.arange(43).astype("timedelta64[m]")
    assert "01-01 00:10" in labels_of(minutes, np.arange(43.0))
