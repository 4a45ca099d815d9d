"""Weaknesses of a run: inputs that teach nothing, and series that are not used."""

import numpy as np

from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.splits import SPLITS
from spline_lstm.series.windows import WindowIndex
from spline_lstm.text import examples, quoted


def find_weaknesses(filled: FilledSeries, index: WindowIndex, *, multivariate: bool) -> list[str]:
    """Name the weaknesses that make a run's numbers misleading, one line each.

    Args:
        filled: The series.
        index: Where their windows are.
        multivariate: Whether covariates enter X.

    """
    return [*_series_without_windows(filled, index), *(_useless_covariates(filled) if multivariate else [])]


def _series_without_windows(filled: FilledSeries, index: WindowIndex) -> list[str]:
    names, found = filled.grid.series_names, []
    for split, what in enumerate(("trained on", "validated on", "tested on")):
        windows = np.bincount(filled.grid.series[index.origin[index.split == split]], minlength=len(names))
        without = [name for name, count in zip(names, windows, strict=True) if not count]
        if 0 < len(without) < len(names):  # if no series has a window, the part is left out on purpose
            found.append(
                f"{len(without)} of {len(names)} series are not {what}, for want of a window in the {SPLITS[split]} "
                f"part: {examples(without)}"
            )
    return found


def _useless_covariates(filled: FilledSeries) -> list[str]:
    grid, is_train = filled.grid, filled.borders.is_train()
    found = []
    for column, covariate in enumerate(grid.columns.dynamic, start=len(grid.columns.targets)):
        train, later = grid.values[is_train, column], grid.values[~is_train, column]
        seen = np.unique(train[~np.isnan(train)])
        if len(seen) < 2:
            what = "always has one value" if len(seen) else "has no value"
            found.append(f"covariate '{covariate.name}' {what} in the training part: it teaches nothing")
        elif covariate.is_category:
            labels = grid.labels[covariate.name]
            unseen = [labels[int(code)] for code in np.setdiff1d(later[~np.isnan(later)], seen)]
            if unseen:
                found.append(
                    f"covariate '{covariate.name}' has labels that the training part lacks, which count as unknown: "
                    f"{quoted(unseen[:5])}"
                )
    return found
