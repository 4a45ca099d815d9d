"""A Plotly figure of the project as an image, for places without scripts: a code forge, a printed notebook."""

import base64
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from spline_lstm.reporting import svg
from spline_lstm.reporting.picture import ACTUAL, FORECAST, Band, Bars, Line, Picture

logger = logging.getLogger(__name__)

_RENDERER = "spline_lstm_images"
_STYLES: dict[str, Any] = {"solid": "solid", "dot": "dot", "dash": "dash"}


def add_images() -> None:
    """Let Plotly show figures in notebooks as usual and add an image, so that a stored notebook is complete."""
    import plotly.io
    from plotly.io.base_renderers import MimetypeRenderer

    class ImageRenderer(MimetypeRenderer):  # type: ignore[misc]  # Plotly has no types
        def to_mimebundle(self, fig_dict: dict[str, Any]) -> dict[str, str]:
            try:
                image = draw_figure(fig_dict)
            except Exception as error:  # another figure is shown without an image
                logger.debug("No image of a figure: %r", error)
                image = None
            return {} if image is None else {"image/svg+xml": image}

    plotly.io.renderers[_RENDERER] = ImageRenderer()
    used = [name for name in str(plotly.io.renderers.default or "").split("+") if name not in ("", _RENDERER)]
    plotly.io.renderers.default = "+".join([*used, _RENDERER])


def draw_figure(figure: Mapping[str, Any]) -> str | None:
    """Draw the first picture of a figure as SVG.

    Args:
        figure: Result of `to_dict` of a Plotly figure.

    Returns:
        The image; None for a figure with marks other than lines, bands, points and bars.

    """
    shown = [trace for trace in figure["data"] if trace.get("visible", True) is True]
    if not shown or any(trace["type"] not in ("scatter", "bar") for trace in shown):
        return None
    return svg.draw(read_picture(shown, figure["layout"]))


def read_picture(traces: list[Any], layout: Mapping[str, Any]) -> Picture:
    """Return the picture of the traces that `plotly_figure.make_figure` drew."""
    x_title, y_title = (layout.get(axis, {}).get("title", {}).get("text", "") for axis in ("xaxis", "yaxis"))
    if layout.get("yaxis", {}).get("type") == "category":  # bars of names are horizontal
        x_title, y_title = y_title, x_title
    is_over_time = layout.get("xaxis", {}).get("type") == "date"
    title = layout.get("title", {}).get("text") or ""
    from_zero = layout.get("yaxis", {}).get("rangemode") == "tozero"
    return Picture(title, x_title, y_title, tuple(_read_marks(traces, is_over_time=is_over_time)), from_zero)


def _read_marks(traces: list[Any], *, is_over_time: bool) -> Iterator[Line | Band | Bars]:
    lower: Any = None
    for trace in traces:
        x, y, name = _values(trace["x"], is_over_time=is_over_time), _values(trace["y"]), trace.get("name") or ""
        colour = _colour((trace.get("line") or trace.get("marker") or {}).get("color"), trace)
        if trace["type"] == "bar":
            x, y = (y.tolist(), x) if trace.get("orientation") == "h" else (x, y)
            yield Bars(name, x, y, colour)
        elif trace.get("fill") == "tonexty":
            yield Band(name, x, lower, y, colour)
        elif trace.get("line", {}).get("width") == 0:
            lower = y
        elif trace.get("mode") == "markers":
            yield Line(name, x, y, colour, "points")
        else:
            yield Line(name, x, y, colour, _STYLES.get(trace.get("line", {}).get("dash", "solid"), "solid"))


def _colour(found: Any, trace: Mapping[str, Any]) -> str:
    """Return a colour if it is one of the project's."""
    usual = ACTUAL if trace.get("mode") == "markers" else FORECAST
    return found if isinstance(found, str) and re.fullmatch(r"#[0-9a-fA-F]{3,8}", found) else usual


def _values(found: Any, *, is_over_time: bool = False) -> Any:
    """Return the values on an axis of a trace: numbers (which Plotly packs), names or times."""
    if isinstance(found, Mapping):
        return np.frombuffer(base64.b64decode(found["bdata"]), dtype=found["dtype"])
    if is_over_time:
        return np.array(found, dtype="datetime64[ns]")
    return np.array([np.nan if value is None else value for value in found])
