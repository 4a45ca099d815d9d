"""The scores of a rolling-origin evaluation, fold by fold, and their mean and spread."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spline_lstm.evaluation.markdown import table
from spline_lstm.evaluation.report import against, label, number, overall_scores, with_unit
from spline_lstm.types import DataFrame

_METRICS = {"rmse": "RMSE", "mase": "MASE"}


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
        values = {metric: [fold["scores"][name][metric] for fold in folds] for metric in _METRICS}
        found[name] = {metric: None if None in column else float(function(column)) for metric, column in values.items()}
    return found


def make_backtest_report(backtest: dict[str, Any]) -> str:
    """Write the report; returns Markdown."""
    scores = [fold["scores"] for fold in backtest["folds"]]
    won = [f"{label(name)} in {sum(_wins(each, name) for each in scores)}" for name in scores[0] if name != "model"]
    parts = [
        f"# Backtest of {backtest['run_id']}",
        f"Of {len(scores)} folds, the model has a lower RMSE than {', '.join(won)}.",
        *(_scores_section(backtest, metric) for metric in _METRICS),
        "The test part of every series in equal blocks, one after another. For each block, everything is done anew on "
        "what lies before it: fills, scales, seasons, choices, training. Mean and spread (largest minus smallest) are "
        "over the folds; the single split is the run itself, trained once for the whole test part.",
    ]
    return "\n\n".join(parts) + "\n"


def _wins(scores: dict[str, Any], name: str) -> bool:
    return against(scores["model"]["rmse"], scores[name]["rmse"]).endswith("below")


def _scores_section(backtest: dict[str, Any], metric: str) -> str:
    names = list(backtest["mean"])
    rows = [
        [
            f"{fold['fold']}: {fold['test_from'][:16]} to {fold['test_to'][:16]}",
            f"{fold['windows']:,}",
            *(number(fold["scores"][name][metric]) for name in names),
        ]
        for fold in backtest["folds"]
    ]
    rows += [[what, "", *(number(backtest[what][name][metric]) for name in names)] for what in ("mean", "spread")]
    single = backtest["single_split"]
    rows.append(["single split", f"{single['windows']:,}", *(number(single["scores"][name][metric]) for name in names)])
    title = with_unit(_METRICS[metric], backtest) if metric == "rmse" else _METRICS[metric]
    return f"## {title}\n\n{table(['test block', 'windows', *map(label, names)], rows, numbers=True)}"
