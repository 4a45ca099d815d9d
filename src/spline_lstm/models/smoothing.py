"""The smoothing spline over a lookback, as the constant matrix that it is."""

import numpy as np

from spline_lstm.types import Float64


def make_smoothing_matrix(steps: int, penalty: float) -> Float64:
    """Build the matrix that maps a window to its cubic smoothing spline at the same steps.

    The natural cubic spline that minimises squared error plus `penalty` times its integrated squared
    second derivative (Green and Silverman, "Nonparametric Regression and Generalized Linear Models",
    1994, section 2.3) is `(I + penalty * Q R^-1 Q')^-1` times the data.

    Args:
        steps: Length of the window, with unit spacing.
        penalty: 0 leaves the window as it is; a straight line is approached as it grows.

    Returns:
        Shape `(steps, steps)`; each row adds up to 1.

    """
    if steps < 3 or penalty == 0:
        return np.eye(steps)
    second_difference = np.zeros((steps, steps - 2))
    for offset, weight in enumerate((1.0, -2.0, 1.0)):
        second_difference[np.arange(steps - 2) + offset, np.arange(steps - 2)] = weight
    band = np.eye(steps - 2) * (2 / 3) + (np.eye(steps - 2, k=1) + np.eye(steps - 2, k=-1)) / 6
    roughness = second_difference @ np.linalg.solve(band, second_difference.T)
    matrix: Float64 = np.linalg.inv(np.eye(steps) + penalty * roughness).astype(np.float64)
    return matrix
