"""Ridge regression on flattened windows, solved in closed form.

Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
Technometrics 12(1), 1970. The intercept is not penalised. One thread computes everything: how several share
the work decides the last bits, and so would the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from spline_lstm.series.lazy_windows import Cuts, draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float32, Float64

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-12, 3))
"""Candidates, as a share of the number of training windows."""

MOST_WINDOWS = 100_000
"""Windows that a regression is fitted to and judged on; of more, so many are drawn."""
_TIE = 1.002
_CHUNK = 8_192
_MAX_ROUNDS = 100
_SETTLED = 1e-7


@dataclass(frozen=True)
class Ridge:
    """A fitted regression: `inputs @ weights + bias`, shapes `(inputs, outputs)` and `(outputs,)`."""

    weights: Float64
    bias: Float64
    penalty: float

    def predict(self, windows: Float32 | Cuts) -> Float64:
        """Predict from windows, flattened or not, chunk by chunk."""
        with threadpool_limits(1):
            return self.apply(windows)

    def apply(self, windows: Float32 | Cuts) -> Float64:
        """Predict in as many threads as the caller allows: to limit them takes longer than to predict a window."""
        forecast = np.empty((len(windows), len(self.bias)))
        for start in range(0, len(windows), _CHUNK):
            inputs = windows[start : start + _CHUNK].reshape(-1, len(self.weights))
            forecast[start : start + _CHUNK] = inputs @ self.weights + self.bias
        return forecast


@dataclass(frozen=True)
class RidgeData:
    """Flattened windows `(windows, inputs)`, targets `(windows, outputs)` and what was observed of them."""

    inputs: Float32
    targets: Float32
    mask: Bool


def ridge_data(model_input: ModelInput, split: int) -> RidgeData:
    """Flatten the windows of a split, at most `MOST_WINDOWS` of them."""
    rows = draw(model_input.windows_of(split), MOST_WINDOWS)
    return RidgeData(model_input.X[rows].reshape(len(rows), -1), model_input.y[rows], model_input.y_mask[rows])


def fit_ridge(train: RidgeData, val: RidgeData, *, penalties: Sequence[float] = PENALTIES) -> Ridge:
    """Fit on train with the largest penalty whose squared error on val is practically the least.

    Among penalties that differ by less than 0.2 % the largest gives the smallest weights, which survive
    rounding best.

    Targets that were not observed do not count: they are replaced by the fit itself until it
    settles, which is the solution of the problem without them.
    """
    with threadpool_limits(1):
        return _fit(train, val, penalties)


def _fit(train: RidgeData, val: RidgeData, penalties: Sequence[float]) -> Ridge:
    count = len(train.inputs)
    center = train.inputs.mean(axis=0, dtype=np.float64)
    known = np.where(train.mask, train.targets, 0.0).astype(np.float64)
    eigenvalues, vectors = np.linalg.eigh(_product(train.inputs, center))
    eigenvalues = np.maximum(eigenvalues, 0.0)
    moment, total = _product(train.inputs, center, known), known.sum(axis=0)
    partial = ~train.mask.all(axis=1)  # only these windows change from round to round
    inputs, mask = train.inputs[partial], train.mask[partial]

    def fit(penalty: float, ridge: Ridge) -> Ridge:
        for _ in range(_MAX_ROUNDS):
            previous = ridge
            unseen = np.where(mask, 0.0, previous.apply(inputs))
            completed = moment + _product(inputs, center, unseen)
            weights = vectors @ ((vectors.T @ completed) / (eigenvalues + penalty * count)[:, None])
            ridge = Ridge(weights, (total + unseen.sum(axis=0)) / count - center @ weights, penalty)
            if np.abs(weights - previous.weights).max() <= _SETTLED * max(1.0, np.abs(weights).max()):
                break
        return ridge

    start = Ridge(np.zeros_like(moment), total / np.maximum(train.mask.sum(axis=0), 1), 0.0)
    candidates: list[Ridge] = []
    for penalty in penalties:
        candidates.append(fit(penalty, candidates[-1] if candidates else start))
    errors = [masked_mse(candidate.apply(val.inputs), val) for candidate in candidates]
    return max(
        (candidate for candidate, error in zip(candidates, errors, strict=True) if error <= _TIE * min(errors)),
        key=lambda candidate: candidate.penalty,
    )


def masked_mse(forecast: Float64, data: RidgeData) -> float:
    """Mean squared error over what was observed."""
    error = np.where(data.mask, forecast - data.targets, 0.0)
    return float(np.square(error).sum() / max(int(data.mask.sum()), 1))


def _product(inputs: Float32, center: Float64, targets: Float64 | None = None) -> Float64:
    """Centred `inputs.T` times `targets`, or times the centred inputs, in double precision, chunk by chunk."""
    product = np.zeros((inputs.shape[1], inputs.shape[1] if targets is None else targets.shape[1]))
    for start in range(0, len(inputs), _CHUNK):
        chunk = inputs[start : start + _CHUNK] - center
        product += chunk.T @ (chunk if targets is None else targets[start : start + _CHUNK])
    return product
