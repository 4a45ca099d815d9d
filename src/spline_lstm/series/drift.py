"""Drift: whether a new table is like the training part.

The measure is the mean of a scaled column over `lookback` consecutive steps. The training part gives a range of such
means, over all times and all series: so neither a winter nor a large series beside small ones is drift. A series with a
scale of its own is measured in that scale.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spline_lstm.series.features import Features
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.latest_windows import LatestWindows
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.text import examples
from spline_lstm.types import Float32, Int64

_CHUNK = 1_000_000
TOLERANCE = 0.5
"""A column drifts from this distance to the range on, in standard deviations of the training part."""


def find_mean_ranges(features: Features, filled: FilledSeries, lookback: int, horizon: int) -> dict[str, list[float]]:
    """Return the least and the greatest mean of each target and numeric covariate over `lookback` steps of train."""
    passed = np.arange(len(filled.grid.series))
    passed -= filled.borders.start[filled.grid.series]
    last = np.flatnonzero(filled.borders.is_train() & (passed >= lookback - 1))
    del passed  # of a large table it takes as much memory as the means below
    numeric = [item for item in filled.grid.columns.dynamic if not item.is_category]
    followed = {*filled.grid.columns.targets}
    followed |= {f"{item.name}_lead{horizon}" if item.known_future else item.name for item in numeric}
    ranges = {}
    for position, name in enumerate(features.names if len(last) else ()):
        if name in followed:
            ranges[name] = _range_of_means(features.scaled[:, position], last, lookback)
    return ranges


def _range_of_means(scaled: Float32, last: Int64, lookback: int) -> list[float]:
    """Return the least and the greatest mean of `lookback` values up to one of the given rows."""
    total = np.zeros(len(scaled) + 1)
    np.cumsum(scaled, dtype=np.float64, out=total[1:])
    low, high = np.inf, -np.inf
    for start in range(0, len(last), _CHUNK):
        rows = last[start : start + _CHUNK] + 1
        means = (total[rows] - total[rows - lookback]) / lookback
        low, high = min(low, float(means.min())), max(high, float(means.max()))
    return [low, high]


def find_drift(windows: LatestWindows, preprocessor: Preprocessor) -> dict[str, Any]:
    """Compare the last steps of every series with the training part.

    Returns:
        `steps` of a mean, the number of `series`, and for each of the `columns`, in standard deviations of the training
        part: `train_low` and `train_high`, the range of the means there; `beyond`, how far the furthest series lies
            above that range, or below it if negative; the name of this `series`, if any; and how many series `drift`.

    """
    columns = {}
    for name, (low, high) in preprocessor.mean_ranges.items():
        means = windows.means[:, preprocessor.feature_order.index(name)]
        beyond = np.maximum(means - high, 0.0) - np.maximum(low - means, 0.0)
        furthest = int(np.abs(beyond).argmax())
        columns[name.removesuffix(f"_lead{preprocessor.windows.horizon}")] = {
            "train_low": low,
            "train_high": high,
            "beyond": float(beyond[furthest]),
            "series": windows.series_names[furthest] if beyond[furthest] else None,
            "drift": int((np.abs(beyond) > TOLERANCE).sum()),
        }
    return {"steps": preprocessor.windows.lookback, "series": len(windows.series_names), "columns": columns}


def describe_drift(drift: Mapping[str, Any]) -> str:
    """Say in one line which columns drift, how far and in which series; empty if none does."""
    found = {name: item for name, item in drift["columns"].items() if item["drift"]}
    if not found:
        return ""
    parts = [
        f"{name} by {item['beyond']:+.1f} ({item['series']}{_rest(item['drift'])})"
        for name, item in sorted(found.items(), key=lambda entry: -abs(entry[1]["beyond"]))
    ]
    return (
        f"the last {drift['steps']} steps lie beyond all such means of the training part, in its deviations: "
        f"{examples(parts)}"
    )


def _rest(count: int) -> str:
    return f" and {count - 1} more" if count > 1 else ""
