"""Prediction intervals by split conformal calibration.

J. Lei, M. G'Sell, A. Rinaldo, R. Tibshirani and L. Wasserman, "Distribution-free predictive inference for
regression", Journal of the American Statistical Association 113(523), 2018: of n absolute errors on data
that was not trained on, the `ceil((n + 1) * level)`-th smallest is the half width of an interval around
the forecast that covers a further value with a probability of at least `level`, if that value and the n
are exchangeable. There is one half width a target and step of the horizon, as in K. Stankevičiūtė,
A. Alaa and M. van der Schaar, "Conformal time-series forecasting", NeurIPS 34, 2021.

Windows of one series overlap and drift, and validation chose the epoch too, so exchangeability holds only
roughly: the coverage on test says how well.
"""

from typing import Any

import numpy as np

from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float64, Int64


def fit_half_widths(error: Float64, mask: Bool, level: float) -> Float64:
    """Calibrate the half widths of one level.

    Args:
        error: Forecast minus truth, shape `(windows, horizon, F_target)`.
        mask: What was observed, of the same shape; the rest does not count.
        level: Probability to be covered, between 0 and 1.

    Returns:
        Shape `(horizon, F_target)`; infinite where too little was observed for the level.

    """
    ordered = np.sort(np.where(mask, np.abs(error), np.inf), axis=0)
    count = mask.sum(axis=0)
    # Rounding first keeps 0.95 * 20 from rising a hair above 19.
    rank = np.ceil(np.round((count + 1) * level, 9)).astype(np.int64)
    widths = np.take_along_axis(ordered, np.clip(rank, 1, len(ordered))[None] - 1, axis=0)[0]
    return np.where(rank <= count, widths, np.inf)


def make_intervals(
    model_input: ModelInput, windows: Int64, forecast: Float64, levels: tuple[float, ...]
) -> dict[str, Any]:
    """Calibrate all levels on validation windows.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.
        levels: Probabilities to be covered.

    Returns:
        `method`, `windows`, and `levels`: for each its `level` and `half_width`, target to one number a
        step in the target's unit, None where too little was observed.

    """
    truth, mask = model_input.truth(windows)
    return {
        "method": "split conformal, absolute validation errors, one half width a target and step",
        "windows": len(windows),
        "levels": [
            {
                "level": level,
                "half_width": {
                    name: [_finite(width) for width in widths]
                    for name, widths in zip(
                        model_input.target_names, fit_half_widths(forecast - truth, mask, level).T, strict=True
                    )
                },
            }
            for level in levels
        ],
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def half_widths(entry: dict[str, Any], names: tuple[str, ...]) -> Float64:
    """Return the half widths of one entry of `levels`, shape `(horizon, F_target)`; infinite for None."""
    columns = np.array([entry["half_width"][name] for name in names], dtype=np.float64)
    return np.where(np.isnan(columns), np.inf, columns).T


def score_intervals(
    model_input: ModelInput, windows: Int64, forecast: Float64, intervals: dict[str, Any]
) -> list[dict[str, Any]]:
    """Tell how much of the truth the intervals cover, and how wide they are.

    Args:
        model_input: Preprocessed data.
        windows: Window numbers.
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.
        intervals: What `make_intervals` returned.

    Returns:
        For each level `level`, and `coverage` (a share) and `mean_width` over all, `per_target` and
        `per_horizon`; over several targets the mean of each target's.

    """
    truth, mask = model_input.truth(windows)
    names = model_input.target_names
    scored = []
    for entry in intervals["levels"]:
        width = half_widths(entry, names)
        covered = np.where(mask, np.abs(forecast - truth) <= width, np.nan)
        by_target = [_score(covered[:, :, [at]], width[:, [at]]) for at in range(len(names))]
        scored.append(
            {
                "level": entry["level"],
                **_score(covered, width),
                "per_target": dict(zip(names, by_target, strict=True)),
                "per_horizon": [
                    {"step": step + 1, **_score(covered[:, [step]], width[[step]])} for step in range(len(width))
                ],
            }
        )
    return scored


def _score(covered: Float64, width: Float64) -> dict[str, float | None]:
    """Coverage and mean width; `covered` is NaN where nothing was observed."""
    counts = np.count_nonzero(~np.isnan(covered), axis=(0, 1))
    shares = np.nansum(covered, axis=(0, 1))[counts > 0] / counts[counts > 0]
    return {
        "coverage": float(np.mean(shares)) if len(shares) else None,
        "mean_width": _finite(2 * float(np.mean(width))),
    }


def make_bounds(forecast: Float64, intervals: dict[str, Any], names: tuple[str, ...]) -> dict[str, Float64]:
    """Put the intervals around forecasts.

    Args:
        forecast: Shape `(windows, horizon, F_target)`, in the target's unit.
        intervals: What `make_intervals` returned.
        names: Names of the targets.

    Returns:
        `lower_80`, `upper_80` and so on, each of the forecasts' shape; infinite where too little was
        observed for the level.

    """
    bounds: dict[str, Float64] = {}
    for entry in intervals["levels"]:
        percent, width = f"{100 * entry['level']:g}", half_widths(entry, names)
        bounds |= {f"lower_{percent}": forecast - width, f"upper_{percent}": forecast + width}
    return bounds
