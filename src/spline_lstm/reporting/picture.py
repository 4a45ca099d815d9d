"""The content of a picture; Plotly draws it for kedro-viz and notebooks, SVG for pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

FORECAST, ACTUAL, FILL = "#3182bd", "#808080", "#d9640d"
COLOURS = (FORECAST, FILL, "#2a9247", "#d64550", "#9467bd", "#268c8c", "#a9761f", "#d1579b")
"""Colours of models and other groups; each is visible on a white page and on kedro-viz' dark one."""


@dataclass(frozen=True)
class Line:
    """Points, joined in their order; a NaN interrupts them.

    Attributes:
        x: Numbers or times.
        style: Style of the line; `points` are not joined.
        labels: Names of the points, if they have any.

    """

    name: str
    x: Any
    y: Any
    colour: str
    style: Literal["solid", "dot", "dash", "points"] = "solid"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Band:
    """The area between two lines, such as an interval."""

    name: str
    x: Any
    lower: Any
    upper: Any
    colour: str


@dataclass(frozen=True)
class Bars:
    """Bars: vertical over numbers, horizontal if `x` are names."""

    name: str
    x: Any
    y: Any
    colour: str

    @property
    def is_named(self) -> bool:
        """Whether `x` are names."""
        return len(self.x) > 0 and isinstance(self.x[0], str)


@dataclass(frozen=True)
class Picture:
    """One pair of axes.

    Attributes:
        title: Title of the picture.
        x_title: Quantity on the horizontal axis, with its unit.
        y_title: Quantity on the vertical axis, with its unit.
        marks: The marks, drawn in this order.
        from_zero: Whether the vertical axis begins at zero.

    """

    title: str
    x_title: str
    y_title: str
    marks: tuple[Line | Band | Bars, ...]
    from_zero: bool = False

    @property
    def is_named(self) -> bool:
        """Whether it shows bars of names, one below another."""
        return any(isinstance(mark, Bars) and mark.is_named for mark in self.marks)

    @property
    def is_over_time(self) -> bool:
        """Whether its horizontal axis shows time."""
        return any(np.asarray(mark.x).dtype.kind == "M" for mark in self.marks)


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """Give each name a colour; beyond eight names they repeat."""
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(dict.fromkeys(names))}
