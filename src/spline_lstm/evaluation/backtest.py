"""The scores of a rolling-origin evaluation, fold by fold, and their mean and spread."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spline_lstm.evaluation.scores import overall_scores
from spline_lstm.types import DataFrame

METRICS = {"rmse": "RMSE", "mase": "MASE"}
"""Metrics shown for each fold, with their headings."""


def join_folds(
    run: dict[str, Any], metrics: Sequence[dict[str, Any]], predictions: Sequence[DataFrame]
) -> dict[str, Any]:
    """Join the folds.

    Args:
        run: `metrics.json` of the run that the folds repeat.
        metrics: `metrics.json` of every fold, in the order of time.
        predictions: Test predictions of every fold.

    Returns:
        `folds` with period, windows and `scores` (forecast to its scores over all of the fold's test block), the
        `mean` and `spread` (largest minus smallest) of RMSE and MASE over the folds, by forecast, and the
        `single_split`: windows and scores of the run itself, over the whole test part.

    """
    folds = [
        {
            "fold": number,
            "test_from": str(made["timestamp"].min()),
            "test_to": str(made["timestamp"].max()),
            "windows": found["test"]["windows"],
            "model_sha256": found["model_sha256"],
            "scores": overall_scores(found["test"]),
        }
        for number, (found, made) in enumerate(zip(metrics, predictions, strict=True), start=1)
    ]
    return {
        "run_id": run["run_id"],
        "units": metrics[0]["units"],
        "folds": folds,
        "mean": _over_folds(folds, np.mean),
        "spread": _over_folds(folds, np.ptp),
        "single_split": {"windows": run["test"]["windows"], "scores": overall_scores(run["test"])},
    }


def _over_folds(folds: list[dict[str, Any]], function: Any) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {}
    for name in folds[0]["scores"]:
        values = {metric: [fold["scores"][name][metric] for fold in folds] for metric in METRICS}
        found[name] = {metric: None if None in column else float(function(column)) for metric, column in values.items()}
    return found
