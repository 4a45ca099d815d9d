"""Ridge regression on flattened windows, solved in closed form.

Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
Technometrics 12(1), 1970. The intercept is not penalised.
"""

from dataclasses import dataclass

import numpy as np

from spline_lstm.contracts import ModelInput
from spline_lstm.types import Bool, Float32, Float64

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-12, 3))
"""Candidates, as a share of the number of training windows."""

_TIE = 1.002
_CHUNK = 8_192
_MAX_ROUNDS = 100


@dataclass(frozen=True)
class Ridge:
    """A fitted regression: `inputs @ weights + bias`, shapes `(inputs, outputs)` and `(outputs,)`."""

    weights: Float64
    bias: Float64
    penalty: float

    def predict(self, inputs: Float32) -> Float64:
        """Predict from flattened windows, shape `(windows, inputs)`, chunk by chunk."""
        chunks = [inputs[start : start + _CHUNK] @ self.weights for start in range(0, len(inputs), _CHUNK)]
        return np.concatenate(chunks) + self.bias


@dataclass(frozen=True)
class RidgeData:
    """Flattened windows `(windows, inputs)`, targets `(windows, outputs)` and what was observed of them."""

    inputs: Float32
    targets: Float32
    mask: Bool


def ridge_data(bundle: ModelInput, split: int) -> RidgeData:
    """Flatten the windows of a split."""
    rows = bundle.windows_of(split)
    return RidgeData(bundle.X[rows].reshape(len(rows), -1), bundle.y[rows], bundle.y_mask[rows])


def fit_ridge(train: RidgeData, val: RidgeData) -> Ridge:
    """Fit on train with the largest penalty whose squared error on val is practically the least.

    Among penalties that differ by less than 0.2 % the largest gives the smallest weights, which survive
    rounding best.

    Targets that were not observed do not count: they are replaced by the fit itself until it
    settles, which is the solution of the problem without them.
    """
    count = len(train.inputs)
    center = train.inputs.mean(axis=0, dtype=np.float64)
    known = np.where(train.mask, train.targets, 0.0).astype(np.float64)
    eigenvalues, vectors = np.linalg.eigh(_product(train.inputs, center))
    moment = _product(train.inputs, center, known)
    eigenvalues = np.maximum(eigenvalues, 0.0)

    def solve(penalty: float, moment: Float64, mean: Float64) -> Ridge:
        weights = vectors @ ((vectors.T @ moment) / (eigenvalues + penalty * count)[:, None])
        return Ridge(weights, mean - center @ weights, penalty)

    def fit(penalty: float) -> Ridge:
        observed = train.mask.sum(axis=0)
        mean = known.sum(axis=0) / np.maximum(observed, 1)
        if train.mask.all():
            return solve(penalty, moment, mean)
        ridge = Ridge(np.zeros_like(moment), mean, penalty)
        for _ in range(_MAX_ROUNDS):
            completed = np.where(train.mask, train.targets, ridge.predict(train.inputs))
            previous = ridge
            ridge = solve(penalty, _product(train.inputs, center, completed), completed.mean(axis=0))
            if np.abs(ridge.weights - previous.weights).max() <= 1e-7 * max(1.0, np.abs(ridge.weights).max()):
                break
        return ridge

    candidates = [fit(penalty) for penalty in PENALTIES]
    errors = [masked_mse(candidate.predict(val.inputs), val) for candidate in candidates]
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
