"""Pictures are readable, whoever draws them."""

import pytest

from spline_lstm.reporting.picture import ACTUAL, COLOURS, colours_of

GROUNDS = ["#ffffff", "#eeeeee", "#111111", "#18202a"]
"""Of a page and of kedro-viz, light and dark."""


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", [*COLOURS, ACTUAL])
def test_a_line_of_every_colour_is_seen_on_every_ground(colour: str, ground: str) -> None:
    low, high = sorted([luminance(colour), luminance(ground)])
    assert (high + 0.05) / (low + 0.05) >= 3  # WCAG 2.2, 1.4.11


def test_names_keep_their_order_and_have_a_colour_each() -> None:
    assert colours_of(["lstm", "gru", "lstm"]) == {"lstm": COLOURS[0], "gru": COLOURS[1]}
