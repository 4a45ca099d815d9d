"""Pictures as SVG text for pages: no script, and text that follows the page from light to dark."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from spline_lstm.reporting.picture import Band, Bars, Line, Picture
from spline_lstm.text import cut, significant
from spline_lstm.types import Float64

_WIDTH, _HEIGHT, _RIGHT, _BELOW = 400, 250, 14, 46
_ROW, _LETTER = 19, 6.6
_INK, _GRID = "var(--ink, #767676)", "var(--rule, rgba(128, 128, 128, 0.3))"
_DASHES = {"solid": "", "dot": ' stroke-dasharray="2 4"', "dash": ' stroke-dasharray="7 4"'}
_SECOND, _MINUTE, _HOUR, _DAY = 10**9, 60 * 10**9, 3_600 * 10**9, 86_400 * 10**9
_STEPS = (
    *(_SECOND * seconds for seconds in (1, 5, 15, 30)),
    *(_MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * hours for hours in (1, 3, 6, 12)),
    *(_DAY * days for days in (1, 2, 5, 10, 20)),
)
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240)
_LONGEST_NAME = 28


@dataclass(frozen=True)
class _Panel:
    """The place of the axes, and the values at their ends."""

    left: float
    top: float
    bottom: float
    x_range: tuple[float, float]
    y_ticks: list[float]

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (_WIDTH - _RIGHT - self.left) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return self.bottom - (self.bottom - self.top) * (value - low) / (high - low)


def draw(picture: Picture) -> str:
    """Draw a picture; its names are escaped."""
    if picture.is_named:
        return _draw_rows(picture)
    legend, top = _legend(picture)
    panel = _place(picture, top)
    parts = [*legend, *_grid(panel, picture), *(_mark(panel, mark) for mark in picture.marks)]
    return _frame(picture, parts, _HEIGHT + top)


def _frame(picture: Picture, parts: Iterable[str], height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" font-size="12" fill="{_INK}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="{escape(picture.title)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, content: str, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(content)}</text>'


def _legend(picture: Picture) -> tuple[list[str], float]:
    """Draw the legend above the axes; return where the axes begin."""
    parts, x, row = [], 8.0, 0
    if len(picture.marks) < 2:
        return [], 12.0
    bands = 0
    for mark in picture.marks:
        bands += isinstance(mark, Band)
        width = 30 + _LETTER * len(mark.name)
        if x > 8 and x + width > _WIDTH:
            x, row = 8.0, row + 1
        parts.append(_swatch(mark, x, 12 + row * _ROW, 0.22 * bands))
        parts.append(_text(x + 22, 12 + row * _ROW, mark.name, "start"))
        x += width
    return parts, 12.0 + (row + 1) * _ROW


def _swatch(mark: Line | Band | Bars, x: float, y: float, opacity: float) -> str:
    if isinstance(mark, Line) and mark.style != "points":
        line = f'fill="none" stroke="{mark.colour}" stroke-width="2"{_DASHES[mark.style]}'
        return f'<path d="M{x:.1f} {y - 4:.1f}h18" {line}/>'
    if isinstance(mark, Line):
        return f'<circle cx="{x + 9:.1f}" cy="{y - 4:.1f}" r="3.5" fill="{mark.colour}"/>'
    faint = f' fill-opacity="{opacity:g}"' if isinstance(mark, Band) else ""
    return f'<rect x="{x:.1f}" y="{y - 9:.1f}" width="18" height="10" fill="{mark.colour}"{faint}/>'


def _numbers(values: Any) -> Float64:
    """Return values as numbers; times as nanoseconds since 1970."""
    found = np.asarray(values)
    if found.dtype.kind == "M":
        found = found.astype("datetime64[ns]").astype(np.int64)
    return found.astype(np.float64)


def _heights(mark: Line | Band | Bars) -> list[Float64]:
    return [_numbers(each) for each in ((mark.lower, mark.upper) if isinstance(mark, Band) else (mark.y,))]


def _range(parts: list[Float64]) -> tuple[float, float]:
    """Return the least and the largest finite number, widened if they are equal."""
    known = np.concatenate([part[np.isfinite(part)] for part in parts] or [np.zeros(0)])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    apart = max(0.5, abs(low) * 1e-6)
    return (low, high) if high > low else (low - apart, high + apart)


def _place(picture: Picture, top: float) -> _Panel:
    heights = [height for mark in picture.marks for height in _heights(mark)]
    bars = any(isinstance(mark, Bars) for mark in picture.marks)
    low, high = _range([*heights, np.zeros(int(bars or picture.from_zero))])
    ticks = _ticks(low, high)
    left, right = _range([_numbers(mark.x) for mark in picture.marks])
    if bars and not picture.is_over_time:
        left, right = left - 0.5, right + 0.5
    edge = 34 + _LETTER * max(map(len, _labels(ticks)))
    return _Panel(edge, top, top + _HEIGHT - _BELOW - 8, (left, right), ticks)


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Return about `count` round numbers from at most `low` to at least `high`."""
    rough = (high - low) / count
    unit = 10.0 ** np.floor(np.log10(rough))
    step = float(next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999))
    ticks: list[float] = (np.arange(np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9) + 1) * step).tolist()
    return ticks


def _grid(panel: _Panel, picture: Picture) -> list[str]:
    parts = []
    for tick, label in zip(panel.y_ticks, _labels(panel.y_ticks), strict=True):
        y = panel.y(tick)
        line = f'<path d="M{panel.left:.1f} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
        parts += [line, _text(panel.left - 6, y + 4, label, "end")]
    for at, label in _time_ticks(*panel.x_range) if picture.is_over_time else _number_ticks(*panel.x_range):
        x, half = panel.x(at), _LETTER * len(label) / 2
        parts.append(_text(min(x, _WIDTH - half), panel.bottom + 16, label))
    middle = (panel.top + panel.bottom) / 2
    turned = f' transform="rotate(-90 14 {middle:.1f})"'
    parts.append(_text(14, middle, picture.y_title, more=turned))
    parts.append(_text((panel.left + _WIDTH - _RIGHT) / 2, panel.bottom + 34, picture.x_title))
    return parts


def _number_ticks(low: float, high: float) -> list[tuple[float, str]]:
    ticks = [tick for tick in _ticks(low, high, 6) if low <= tick <= high]
    return list(zip(ticks, _labels(ticks), strict=True))


def _labels(ticks: list[float]) -> list[str]:
    """Return the labels of ticks, with enough digits to tell them apart."""
    step = min(np.diff(ticks), default=1.0)
    if not 1e-9 < step < 1e9:
        return [significant(tick) for tick in ticks]
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return [f"{tick + 0.0:.{decimals}f}" for tick in ticks]


def _time_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return at most five round times, with enough of the date to tell them apart."""
    step = next((step for step in _STEPS if (high - low) / step < 5), None)
    if step is None:
        return _month_ticks(low, high)
    stamps = np.arange(int(np.ceil(low / step)) * step, int(high) + 1, step).astype("datetime64[ns]")
    texts = [_time_label(str(stamp), step) for stamp in stamps]
    return list(zip(_numbers(stamps).tolist(), texts, strict=True))


def _time_label(stamp: str, step: int) -> str:
    if step >= _DAY:
        return stamp[:10]
    return stamp[11:19] if step < _MINUTE else stamp[5:16].replace("T", " ")


def _month_ticks(low: float, high: float) -> list[tuple[float, str]]:
    first, last = (np.datetime64(int(end), "ns").astype("datetime64[M]").astype(np.int64) for end in (low, high))
    step = next((step for step in _MONTHS if (last - first) / step < 5), 600)
    stamps = np.arange(-(-(first + 1) // step) * step, last + 1, step).astype("datetime64[M]")
    return [(float(at), str(stamp)) for at, stamp in zip(_numbers(stamps), stamps, strict=True)]


def _mark(panel: _Panel, mark: Line | Band | Bars) -> str:
    if isinstance(mark, Band):
        drawn = _band(panel, mark)
    else:
        drawn = _line(panel, mark) if isinstance(mark, Line) else _bars(panel, mark)
    return f"<g><title>{escape(mark.name)}</title>{drawn}</g>"


def _points(panel: _Panel, x: Any, y: Any) -> list[tuple[float, float]]:
    return [(panel.x(a), panel.y(b)) for a, b in zip(_numbers(x).tolist(), _numbers(y).tolist(), strict=True)]


def _line(panel: _Panel, mark: Line) -> str:
    points = _points(panel, mark.x, mark.y)
    if mark.style == "points":
        return "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{mark.colour}">{_named(mark, number)}</circle>'
            for number, (x, y) in enumerate(points)
            if np.isfinite(y)
        )
    shown = f'fill="none" stroke="{mark.colour}" stroke-width="2" stroke-linejoin="round"{_DASHES[mark.style]}'
    return f'<path d="{_path(points)}" {shown}/>'


def _named(mark: Line, number: int) -> str:
    return f"<title>{escape(mark.labels[number])}</title>" if mark.labels else ""


def _path(points: list[tuple[float, float]]) -> str:
    parts, pen = [], "M"
    for x, y in points:
        if not np.isfinite(y):
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return "".join(parts)


def _band(panel: _Panel, mark: Band) -> str:
    outline = [*_points(panel, mark.x, mark.lower), *reversed(_points(panel, mark.x, mark.upper))]
    return f'<path d="{_path(outline)}Z" fill="{mark.colour}" fill-opacity="0.22"/>'


def _bars(panel: _Panel, mark: Bars) -> str:
    width = max(1.0, abs(panel.x(1) - panel.x(0)) * 0.8) if len(mark.x) < 50 else 2.0
    zero = panel.y(0)
    return "".join(
        f'<rect x="{x - width / 2:.1f}" y="{min(y, zero):.1f}" width="{width:.1f}" height="{abs(zero - y):.1f}" '
        f'fill="{mark.colour}"/>'
        for x, y in _points(panel, mark.x, mark.y)
        if np.isfinite(y)
    )


def _draw_rows(picture: Picture) -> str:
    """Draw named bars one below another, each with its number."""
    bars = [mark for mark in picture.marks if isinstance(mark, Bars)]
    names = list(dict.fromkeys(name for mark in bars for name in mark.x))
    left = 22 + _LETTER * min(_LONGEST_NAME, max(len(name) for name in names))
    largest = max((abs(value) for mark in bars for value in _numbers(mark.y) if np.isfinite(value)), default=1.0) or 1.0
    legend, top = _legend(Picture(picture.title, "", "", tuple(bars)))
    parts, y = list(legend), top
    for name in names:
        parts.append(_text(left - 8, y + 8 + _ROW * len(bars) / 2 - 4, cut(name, _LONGEST_NAME), "end"))
        for mark in bars:
            value = dict(zip(mark.x, _numbers(mark.y).tolist(), strict=True)).get(name, np.nan)
            width = (_WIDTH - left - 60) * abs(value) / largest if np.isfinite(value) else 0.0
            parts.append(f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="13" fill="{mark.colour}"/>')
            parts.append(_text(left + width + 5, y + 11, significant(value) if np.isfinite(value) else "–", "start"))
            y += _ROW
        y += 4
    parts.append(_text((left + _WIDTH) / 2, y + 14, picture.y_title))
    return _frame(picture, parts, y + 22)
