"""The smoothing spline over a lookback, as a constant matrix."""

import numpy as np

from spline_lstm.types import Float64


def make_smoothing_matrix(ages: tuple[int, ...], penalty: float) -> Float64:
    """Build the matrix that maps a window to its cubic smoothing spline at the same steps.

    The natural cubic spline that minimises squared error plus `penalty` times its integrated squared
    second derivative (Green and Silverman, "Nonparametric Regression and Generalized Linear Models",
    1994, section 2.1) is `(I + penalty * Q R^-1 Q')^-1` times the data.

    Args:
        ages: Steps from each of the window's rows to the origin, falling.
        penalty: 0 leaves the window unchanged; a growing penalty approaches a straight line.

    Returns:
        Shape `(steps, steps)`; each row adds up to 1.

    """
    steps = len(ages)
    if steps < 3 or penalty == 0:
        return np.eye(steps)
    spacing = -np.diff(np.array(ages, dtype=np.float64))
    left, right, inner = 1 / spacing[:-1], 1 / spacing[1:], np.arange(steps - 2)
    second_difference = np.zeros((steps, steps - 2))
    for offset, weights in enumerate((left, -left - right, right)):
        second_difference[inner + offset, inner] = weights
    beside = np.diag(spacing[1:-1] / 6, k=1)
    band = np.diag((spacing[:-1] + spacing[1:]) / 3) + beside + beside.T
    roughness = second_difference @ np.linalg.solve(band, second_difference.T)
    matrix: Float64 = np.linalg.inv(np.eye(steps) + penalty * roughness).astype(np.float64)
    return matrix
