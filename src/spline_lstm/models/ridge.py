"""Ridge regression on flattened windows, solved in closed form.

Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems",
Technometrics 12(1), 1970. The intercept is not penalised. One thread computes everything: with several threads, the
last bits of the result would depend on the machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from spline_lstm.series.lazy_windows import Cuts, draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.types import Bool, Float32, Float64

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-12, 3))
"""Candidate penalties, as multiples of the number of training windows."""

_MOST_WINDOWS, _ENOUGH_WINDOWS, _MOST_CELLS = 100_000, 5_000, 40_000_000
_TIE = 1.002
_BEYOND = 1.05
"""Squared error, relative to the lowest so far, at which the search for a lower penalty stops."""
_CHUNK = 8_192
_MAX_ROUNDS = 100
_SETTLED, _ROUGHLY = 1e-7, 1e-4
"""Change of a weight, relative to the largest weight, at which the solver stops: finally, and for each penalty."""
_TINY = 1e-300


@dataclass(frozen=True)
class Ridge:
    """A fitted regression: `inputs @ weights + bias`, shapes `(inputs, outputs)` and `(outputs,)`."""

    weights: Float64
    bias: Float64
    penalty: float

    def predict(self, windows: Float32 | Cuts) -> Float64:
        """Predict from windows, flattened or not, in chunks."""
        with threadpool_limits(1):
            return self.apply(windows)

    def apply(self, windows: Float32 | Cuts) -> Float64:
        """Predict without a limit on threads: setting the limit takes longer than to predict one window."""
        forecast = np.empty((len(windows), len(self.bias)))
        for start in range(0, len(windows), _CHUNK):
            inputs = windows[start : start + _CHUNK].reshape(-1, len(self.weights))
            forecast[start : start + _CHUNK] = inputs @ self.weights + self.bias
        return forecast


@dataclass(frozen=True)
class RidgeData:
    """Flattened windows `(windows, inputs)`, targets `(windows, outputs)`, and the mask of observed targets."""

    inputs: Float32
    targets: Float32
    mask: Bool


def most_windows(inputs: int) -> int:
    """Return the most windows to fit and evaluate a regression with; of more windows, this number is drawn."""
    return min(_MOST_WINDOWS, max(_ENOUGH_WINDOWS, _MOST_CELLS // inputs))


def ridge_data(model_input: ModelInput, split: int) -> RidgeData:
    """Flatten the windows of a split, at most `most_windows` of them."""
    rows = draw(model_input.windows_of(split), most_windows(model_input.ages.size))
    return RidgeData(model_input.X[rows].reshape(len(rows), -1), model_input.y[rows], model_input.y_mask[rows])


def fit_ridge(train: RidgeData, val: RidgeData, *, penalties: Sequence[float] = PENALTIES) -> Ridge:
    """Fit on train with the largest penalty whose squared error on val is within 0.2 % of the lowest.

    Among these penalties, the largest gives the smallest weights, which rounding affects least.

    Unobserved targets do not count.
    """
    with threadpool_limits(1):
        return _fit(train, val, penalties)


def _fit(train: RidgeData, val: RidgeData, penalties: Sequence[float]) -> Ridge:
    equations = _NormalEquations(train)
    candidates: list[Ridge] = []
    errors: list[float] = []
    for penalty in sorted(penalties, reverse=True):  # low penalties take the longest and overfit first
        start = candidates[-1] if candidates else equations.zero
        candidates.append(equations.solve(penalty, start, _ROUGHLY if len(penalties) > 1 else _SETTLED))
        errors.append(masked_mse(candidates[-1].apply(val.inputs), val))
        if errors[-1] > _BEYOND * min(errors):
            break
    chosen = next(candidate for candidate, error in zip(candidates, errors, strict=True) if error <= _TIE * min(errors))
    return equations.solve(chosen.penalty, chosen, _SETTLED)


class _NormalEquations:
    """The normal equations of the regression; each output uses the windows in which it was observed.

    Conjugate gradients (Hestenes and Stiefel, 1952) solve them for all outputs at once. The preconditioner is the
    solution for windows without gaps, so the first step is enough if nothing is missing.
    """

    def __init__(self, train: RidgeData) -> None:
        self._count = len(train.inputs)
        self._center = train.inputs.mean(axis=0, dtype=np.float64)
        eigenvalues, self._vectors = np.linalg.eigh(_product(train.inputs, self._center))
        self._eigenvalues = np.maximum(eigenvalues, 0.0)[:, None]
        known = np.where(train.mask, train.targets, 0.0).astype(np.float64)
        self._moment, self._total = _product(train.inputs, self._center, known), known.sum(axis=0)
        partial = ~train.mask.all(axis=1)
        self._inputs, self._unseen = train.inputs[partial], ~train.mask[partial]
        self.zero = Ridge(np.zeros_like(self._moment), self._total / np.maximum(train.mask.sum(axis=0), 1), 0.0)

    def solve(self, penalty: float, start: Ridge, tolerance: float) -> Ridge:
        """Iterate from `start` until a step changes no weight by more than `tolerance` times the largest weight."""
        weights, level = start.weights, start.bias + self._center @ start.weights
        residual = self._residual(weights, level, penalty)
        step = self._precondition(*residual, penalty)
        direction, product = step, _dot(residual, step)
        for _ in range(_MAX_ROUNDS):
            image = self._apply(*direction, penalty)
            share = product / np.maximum(_dot(direction, image), _TINY)
            weights, level = weights + share * direction[0], level + share * direction[1]
            residual = residual[0] - share * image[0], residual[1] - share * image[1]
            step = self._precondition(*residual, penalty)
            if np.abs(step[0]).max() <= tolerance * max(1.0, np.abs(weights).max()):
                break
            before, product = product, _dot(residual, step)
            turn = product / np.maximum(before, _TINY)
            direction = step[0] + turn * direction[0], step[1] + turn * direction[1]
        return Ridge(weights, level - self._center @ weights, penalty)

    def _apply(self, weights: Float64, level: Float64, penalty: float) -> tuple[Float64, Float64]:
        """Return the left side of the equations, for weights and for the forecast of the mean window."""
        whole = self._vectors @ (self._eigenvalues * (self._vectors.T @ weights))
        ridge = Ridge(weights, level - self._center @ weights, penalty)
        unseen = np.where(self._unseen, ridge.apply(self._inputs), 0.0)
        missing = _product(self._inputs, self._center, unseen)
        return whole + penalty * self._count * weights - missing, self._count * level - unseen.sum(axis=0)

    def _residual(self, weights: Float64, level: Float64, penalty: float) -> tuple[Float64, Float64]:
        found = self._apply(weights, level, penalty)
        return self._moment - found[0], self._total - found[1]

    def _precondition(self, weights: Float64, level: Float64, penalty: float) -> tuple[Float64, Float64]:
        scaled = (self._vectors.T @ weights) / (self._eigenvalues + penalty * self._count)
        return self._vectors @ scaled, level / self._count


def _dot(one: tuple[Float64, Float64], other: tuple[Float64, Float64]) -> Float64:
    """Return the dot product of two sets of unknowns, for each output."""
    product: Float64 = np.einsum("ij,ij->j", one[0], other[0]) + one[1] * other[1]
    return product


def masked_mse(forecast: Float64, data: RidgeData) -> float:
    """Return the mean squared error over the observed targets."""
    error = np.where(data.mask, forecast - data.targets, 0.0)
    return float(np.square(error).sum() / max(int(data.mask.sum()), 1))


def _product(inputs: Float32, center: Float64, targets: Float64 | None = None) -> Float64:
    """Multiply the centred `inputs.T` by `targets`, or by the centred inputs, in double precision, in chunks."""
    product = np.zeros((inputs.shape[1], inputs.shape[1] if targets is None else targets.shape[1]))
    for start in range(0, len(inputs), _CHUNK):
        chunk = inputs[start : start + _CHUNK] - center
        product += chunk.T @ (chunk if targets is None else targets[start : start + _CHUNK])
    return product
