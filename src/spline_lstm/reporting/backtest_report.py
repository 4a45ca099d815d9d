"""The backtest for people, in Markdown and as a page."""

from typing import Any

import numpy as np

from spline_lstm.evaluation.backtest import METRICS
from spline_lstm.evaluation.differences import Difference
from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.page import make_page
from spline_lstm.reporting.picture import Line, Picture, colours_of
from spline_lstm.reporting.wording import label, number, with_unit
from spline_lstm.types import Float64


def make_backtest_report(backtest: dict[str, Any]) -> str:
    """Write the report; returns Markdown."""
    scores = [fold["scores"] for fold in backtest["folds"]]
    won = [f"{label(name)} in {sum(_wins(each, name) for each in scores)}" for name in scores[0] if name != "model"]
    parts = [
        f"# Backtest of {backtest['run_id']}",
        f"In {len(scores)} folds, the model has a lower RMSE than {', '.join(won)}.",
        *(_scores_section(backtest, metric) for metric in METRICS),
        "The test part of every series in equal blocks, one after another. For each block, everything is repeated on "
        "the rows before it: fills, scales, seasons, choices, training. Mean and spread (largest minus smallest) are "
        "over the folds; the single split is the run itself, trained once for the whole test part.",
    ]
    return "\n\n".join(parts) + "\n"


def make_backtest_page(backtest: dict[str, Any]) -> str:
    """Write the report as a page, with a picture of each metric over the folds."""
    folds = backtest["folds"]
    times = np.array([fold["test_from"] for fold in folds], dtype="datetime64[ns]")
    pictures = [
        Picture(
            f"{heading} of every fold",
            "test block from (UTC)",
            with_unit(heading, backtest) if metric == "rmse" else heading,
            tuple(
                Line(label(name), times, _of_folds(folds, name, metric), colour, "solid" if name == "model" else "dot")
                for name, colour in colours_of(backtest["mean"]).items()
            ),
            from_zero=True,
        )
        for metric, heading in METRICS.items()
    ]
    return make_page(make_backtest_report(backtest), {"Over the folds": pictures})


def _of_folds(folds: list[dict[str, Any]], name: str, metric: str) -> Float64:
    return np.array([fold["scores"][name][metric] for fold in folds], dtype=np.float64)


def _wins(scores: dict[str, Any], name: str) -> bool:
    difference = Difference(scores["model"]["rmse"] / max(scores[name]["rmse"], 1e-300))
    return difference.ratio < 1 and not difference.is_level


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
    title = with_unit(METRICS[metric], backtest) if metric == "rmse" else METRICS[metric]
    return f"## {title}\n\n{table(['test block', 'windows', *map(label, names)], rows, numbers=True)}"
