"""How many steps a season has."""

import numpy as np

from spline_lstm.series.durations import DAY, WEEK, YEAR
from spline_lstm.series.model_input import ModelInput


def season_candidates(step_seconds: float) -> tuple[int, ...]:
    """Return the seasons that a frequency can have, in steps: days and weeks, or years.

    Args:
        step_seconds: Mean length of a step in seconds; 0 where it is not known.

    """
    if step_seconds <= 0:
        return ()
    periods = (DAY, WEEK) if step_seconds < DAY else (WEEK, YEAR) if step_seconds < WEEK else (YEAR,)
    steps = (round(period / step_seconds) for period in periods)
    return tuple(step for step in steps if step > 1)


def infer_season(model_input: ModelInput) -> int:
    """Return the season with the highest autocorrelation in the training part, or 1 where none is confirmed.

    A season is confirmed if the training part holds it twice, the autocorrelation at its lag is larger than noise (two
    standard errors, `2 / sqrt(n)`; Bartlett, "On the theoretical specification and sampling properties of
    autocorrelated time-series", 1946), and larger than the autocorrelation at half its lag.
    """
    longest = int(np.bincount(model_input.row_series[model_input.row_split == 0], minlength=1).max())
    found = {1: 0.0}
    for season in season_candidates(model_input.meta.get("step_seconds", 0)):
        if 2 * season > longest:
            continue
        at_season, noise = _autocorrelation(model_input, season)
        at_half, _ = _autocorrelation(model_input, season // 2)
        if at_season > max(noise, at_half):
            found[season] = at_season
    return max(found, key=lambda season: found[season])


def _autocorrelation(model_input: ModelInput, lag: int) -> tuple[float, float]:
    """Mean autocorrelation of the targets' observed training values, and two standard errors of it."""
    series, is_train = model_input.row_series, model_input.row_split == 0
    counts = np.maximum(np.bincount(series[is_train], minlength=len(model_input.series_names)), 1)
    pairs = (series[lag:] == series[:-lag]) & is_train[lag:]
    found = []
    for values, is_imputed in zip(model_input.raw_target.T, model_input.is_imputed.T, strict=True):
        mean = np.bincount(series[is_train], values[is_train], len(counts)) / counts
        centred = np.where(is_imputed, 0.0, values - mean[series])
        scale = np.square(centred[is_train]).mean()
        found.append((centred[lag:][pairs] * centred[:-lag][pairs]).mean() / scale if pairs.any() and scale else 0.0)
    return float(np.mean(found)), 2 / np.sqrt(max(int(pairs.sum()), 1))
