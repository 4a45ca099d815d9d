"""Plots as SVG text: small, the same on every machine, and shown by browsers and code forges alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np

GREY, GRID = "#555", "#ddd"


def text(x: float, y: float, content: str, anchor: str = "middle", size: int = 13) -> str:
    """Write text around, from or up to a point."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(content)}</text>'


def path(points: Iterable[tuple[float, float]], colour: str, dashes: str = "") -> str:
    """Join points by straight lines; a NaN interrupts them."""
    parts, pen = [], "M"
    for x, y in points:
        if np.isnan(y):
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return f'<path d="{"".join(parts)}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'


def dot(x: float, y: float, colour: str, fill: str) -> str:
    """Draw a small circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" stroke="{colour}" fill="{fill}"/>'


def bar(x: float, y: float, width: float, height: float, colour: str, opacity: float) -> str:
    """Draw a filled rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" '
        f'fill-opacity="{opacity:g}" stroke="{colour}"/>'
    )


@dataclass(frozen=True)
class Panel:
    """An area with axes: where it lies in the picture, and which values its sides stand for."""

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """Place of a value on the horizontal axis."""
        low, high = self.x_range
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value: float) -> float:
        """Place of a value on the vertical axis."""
        low, high = self.y_range
        return self.top + self.height * (high - value) / (high - low)

    def frame(self, title: str, y_ticks: Iterable[float], x_ticks: dict[float, str]) -> list[str]:
        """Draw the title, a line for each vertical tick, and the labels of both axes."""
        parts = [text(self.left + self.width / 2, self.top - 14, title, size=14)]
        for tick in y_ticks:
            y = self.y(tick)
            parts.append(path([(self.left, y), (self.left + self.width, y)], GRID))
            parts.append(text(self.left - 8, y + 4, f"{tick:g}", "end"))
        parts += [text(self.x(tick), self.top + self.height + 20, label) for tick, label in x_ticks.items()]
        return parts


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """Put everything on a white ground, so that it reads on a dark page too."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        f'fill="{GREY}" role="img" aria-label="{escape(title)}">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )
