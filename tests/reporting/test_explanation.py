"""Explanations of a model, in words and pictures."""

from typing import Any

import pytest

from spline_lstm.reporting.explanation import explanation_section, make_explanation_pictures

FOUND: dict[str, Any] = {
    "importances": [{"input": "target", "error_ratio": 1.5}, {"input": "humidity", "error_ratio": 0.999}],
    "ridge_weights": [{"input": "target", "steps_before": [2, 1, 0], "weights": [0.1, 0.2, 0.9]}],
    "groups": {"hour": {"3": 1.5, "14": 2.5}},
    "errors": {"correlation": [0.05, 0.4, None], "chance": 0.02},
}


@pytest.mark.parametrize(
    "text",
    [
        "| target | +50.0% | 0 steps before the origin |",
        "| humidity | level | – |",
        "| hour | 3 | 1.5 | 14 | 2.5 |",
        "correlated with those 2 steps before (0.4; chance stays below 0.02)",
    ],
)
def test_the_section_says(text: str) -> None:
    assert text in explanation_section(FOUND)


def test_without_a_ridge_path_its_column_is_left_out() -> None:
    section = explanation_section(FOUND | {"ridge_weights": []})
    assert "| input | error without it |" in section
    assert "| target | +50.0% |" in section


@pytest.mark.parametrize("correlation", [[0.05, -0.09], [None, None]])
def test_errors_that_hold_nothing_are_said_to(correlation: list[float | None]) -> None:
    assert "do not depend on earlier ones" in explanation_section(
        FOUND | {"errors": {"correlation": correlation, "chance": 0.02}}
    )


def test_there_is_a_picture_of_each() -> None:
    importance, weights, errors = make_explanation_pictures(FOUND)
    assert importance.marks[0].x == ["target", "humidity"]
    assert weights.x_title == "steps before the origin"
    assert [mark.name for mark in errors.marks] == ["errors", "+ chance", "- chance"]
    assert errors.marks[0].x == [1, 2]
    assert len(make_explanation_pictures(FOUND | {"ridge_weights": []})) == 2
