"""Pictures as Plotly figures, for kedro-viz and notebooks.

kedro-viz sets background, text and grid of a figure, dark or light, but only for the first pair of axes. So a figure
has one pair of axes, and a selector if there are several pictures.
"""

from collections.abc import Sequence
from typing import Any

from spline_lstm.reporting.picture import ACTUAL, Band, Bars, Line, Picture

_DASHES = {"solid": "solid", "dot": "dot", "dash": "dash"}
_AXIS = {"gridcolor": "rgba(128, 128, 128, 0.25)", "linecolor": ACTUAL, "zerolinecolor": ACTUAL, "automargin": True}
_INK, _PAPER = "#222222", "#ffffff"


def make_figure(title: str, pictures: Sequence[Picture]) -> Any:
    """Draw pictures as one figure; a selector chooses between several.

    Args:
        title: Title of the figure; a single picture has its own.
        pictures: At least one.

    """
    import plotly.graph_objects as go

    traces = [_traces(picture) for picture in pictures]
    first = pictures[0]
    figure = go.Figure([trace.update(visible=at == 0) for at, part in enumerate(traces) for trace in part])
    figure.update_layout(
        template="none",
        title=title if len(pictures) > 1 else first.title,
        hovermode="x unified",
        paper_bgcolor=_PAPER,
        plot_bgcolor=_PAPER,
        font={"color": _INK},
        legend={"orientation": "h", "y": -0.25},
        bargap=0.1,
        xaxis=_AXIS,
        yaxis=_AXIS | {"rangemode": "tozero" if first.from_zero else "normal"},
    )
    figure.update_layout({name.replace(".", "_"): value for name, value in _axes_of(first).items()})
    if len(pictures) > 1:
        figure.update_layout(updatemenus=[_selector(pictures, [len(part) for part in traces])])
    return figure


def _selector(pictures: Sequence[Picture], counts: list[int]) -> dict[str, Any]:
    buttons = []
    for chosen, picture in enumerate(pictures):
        shown = [at == chosen for at, count in enumerate(counts) for _ in range(count)]
        buttons.append({"label": picture.title, "method": "update", "args": [{"visible": shown}, _axes_of(picture)]})
    place = {"x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom", "pad": {"t": 0, "b": 0}}
    return {"buttons": buttons, "bgcolor": _PAPER, "bordercolor": ACTUAL, "font": {"color": _INK, "size": 11}} | place


def _axes_of(picture: Picture) -> dict[str, str]:
    """Return titles and types of both axes; bars of names are horizontal."""
    titles, kind = (picture.x_title, picture.y_title), "date" if picture.is_over_time else "linear"
    if picture.is_named:
        (y_title, x_title), y_kind = titles, "category"
    else:
        (x_title, y_title), y_kind = titles, "linear"
    return {"xaxis.title.text": x_title, "yaxis.title.text": y_title, "xaxis.type": kind, "yaxis.type": y_kind}


def _traces(picture: Picture) -> list[Any]:
    return [trace for mark in picture.marks for trace in _draw(mark)]


def _draw(mark: Line | Band | Bars) -> list[Any]:
    import plotly.graph_objects as go

    if isinstance(mark, Bars):
        x, y = (mark.y, mark.x) if mark.is_named else (mark.x, mark.y)
        return [go.Bar(x=x, y=y, name=mark.name, marker_color=mark.colour, orientation="h" if mark.is_named else "v")]
    if isinstance(mark, Band):
        edge = {"mode": "lines", "line": {"width": 0, "color": mark.colour}, "name": mark.name}
        lower, upper = ({"hovertemplate": f"{mark.name} {side} %{{y:.4g}}<extra></extra>"} for side in ("from", "to"))
        fill = {"fill": "tonexty", "fillcolor": _faint(mark.colour), "legendgroup": mark.name}
        return [
            go.Scatter(x=mark.x, y=mark.lower, showlegend=False, legendgroup=mark.name, **edge, **lower),
            go.Scatter(x=mark.x, y=mark.upper, **edge, **upper, **fill),
        ]
    shown: dict[str, Any] = {"mode": "markers", "marker": {"color": mark.colour, "size": 9}}
    if mark.style != "points":
        shown = {"mode": "lines", "line": {"color": mark.colour, "dash": _DASHES[mark.style]}}
    labels = [label.replace("\n", "<br>") for label in mark.labels]
    return [go.Scatter(x=mark.x, y=mark.y, name=mark.name, text=labels or None, **shown)]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.22)"
