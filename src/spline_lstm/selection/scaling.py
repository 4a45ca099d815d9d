"""The target scaling (global or by series): ridge regressions on the training part decide."""

from typing import Any, Literal

import numpy as np

from spline_lstm.models.ridge import PENALTIES, RidgeData, fit_ridge
from spline_lstm.selection.choice import choose, make_record, series_rmse
from spline_lstm.selection.lookback import draw_training
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.scaling import SeriesScales, TargetScaling, fit_series_scales, scaling_of
from spline_lstm.types import Float32, Float64, Int64


def resolve_target_scaling(
    asked: TargetScaling | Literal["auto"], model_input: ModelInput
) -> tuple[TargetScaling, dict[str, Any]]:
    """Decide whether all series share the scale of a target.

    Ridge regressions are fitted to the first four fifths of the training windows and judged on the last fifth. Each
    series gets its own scale if the error is then at least 2 % lower. The error is the mean over the series, each
    divided by its own standard deviation, so that large numbers do not count for more.

    Args:
        asked: The parameter `target_scaling`.
        model_input: Windows of consecutive rows, all series on one scale.

    Returns:
        The scaling, and a record of the comparison (empty without one).

    """
    if asked != "auto":
        return asked, {}
    train, val = draw_training(model_input)
    if len(model_input.series_names) < 2 or not min(len(train), len(val)):
        return "global", {}
    own = _own_scales(model_input)
    center, scale = scaling_of(model_input.target_names, model_input.preprocessor["scalers"])
    shared = SeriesScales(np.broadcast_to(center, own.center.shape), np.broadcast_to(scale, own.scale.shape))
    tried: dict[TargetScaling, SeriesScales] = {"global": shared, "series": own}
    scores = {name: _error(model_input, scales, own, train, val) for name, scales in tried.items()}
    chosen = choose(scores)
    return chosen, make_record("target_scaling", chosen, dict(scores), "the training part")


def _own_scales(model_input: ModelInput) -> SeriesScales:
    learnt = (model_input.row_split == 0)[:, None] & ~model_input.is_imputed
    return fit_series_scales(model_input.raw_target, model_input.row_series, learnt, len(model_input.series_names))


def _error(model_input: ModelInput, scales: SeriesScales, own: SeriesScales, train: Int64, val: Int64) -> float:
    """Return the mean of the series' root mean squared errors on `val`, each in its own standard deviations."""
    fitted_to, held_out = (_windows(model_input, scales, windows) for windows in (train, val))
    ridge = fit_ridge(fitted_to, held_out, penalties=PENALTIES[::2])
    series = model_input.window_series[val]
    relative = np.tile(scales.scale[series] / own.scale[series], (1, model_input.horizon))
    error = np.where(held_out.mask, (ridge.predict(held_out.inputs) - held_out.targets) * relative, np.nan)
    return series_rmse(error, series)


def _windows(model_input: ModelInput, scales: SeriesScales, windows: Int64) -> RidgeData:
    """Cut the targets of windows and horizons, scaled from their own unit, so that small series keep their digits."""
    series = model_input.window_series[windows]
    center, scale = scales.center[series][:, None], scales.scale[series][:, None]
    truth, mask = model_input.truth(windows)

    def scaled(values: Float64) -> Float32:
        return ((values - center) / scale).reshape(len(windows), -1).astype(np.float32)

    past = model_input.past(windows, np.arange(model_input.lookback)[::-1])
    return RidgeData(scaled(past), scaled(truth), mask.reshape(len(windows), -1))
