"""The tuning for people: Markdown, a picture, and a page with both."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.page import make_page
from spline_lstm.reporting.picture import ACTUAL, FILL, FORECAST, Line, Picture
from spline_lstm.reporting.wording import number, unit_behind, with_unit

Trial = dict[str, Any]
"""Result of `pipelines.tuning.nodes.Trial`."""


def pairs(settings: Mapping[str, Any]) -> str:
    """Return settings as typed after `--params`.

    >>> pairs({"model_type": "gru", "hidden_units": [64, 32], "dropout": 0.1})
    'model_type=gru,hidden_units=64+32,dropout=0.1'
    """
    return ",".join(f"{name}={_typed(value)}" for name, value in settings.items())


def _typed(value: Any) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def one_line(best: Mapping[str, Any], trials: Sequence[Trial]) -> str:
    """Say which trial is the best, and compare it with the run's own settings."""
    own = trials[0]
    error = f"{_metric(own)} {number(best['val_rmse'])}{unit_behind(own)}"
    if best["trial"] == 1:
        return f"None of {len(trials)} trials is better on validation than the settings of the run: {error}"
    gain = 1 - best["val_rmse"] / max(own["val_rmse"], 1e-300)
    return (
        f"Trial {best['trial']} of {len(trials)} is the best on validation: {error}, {gain:.1%} below that of the "
        f"run's own settings ({number(own['val_rmse'])})"
    )


def _metric(trial: Trial) -> str:
    return "RMSE" if len(trial["units"]) == 1 else "geometric mean of the targets' RMSE"


def make_tuning_report(best: Mapping[str, Any], trials: Sequence[Trial]) -> str:
    """Write the report.

    Args:
        best: Result of `choose_settings`.
        trials: All trials, in order.

    Returns:
        Markdown.

    """
    parts = [
        f"# Tuning {best['tuning_id']}",
        f"**{one_line(best, trials)}.**",
        f"Train with these settings and look at the test part: `{best['command']}`",
        f"## Trials\n\n{_trials_table(trials)}",
        *_excluded(trials),
        "The best first; trial 1 has the run's own settings. All errors are of the validation part, which ranks "
        "the trials: the best of many has a lower error there than elsewhere. The test part was not read. "
        "Differences of 1 or 2 % may be chance; among such settings, take the smallest model.",
    ]
    return "\n\n".join(parts) + "\n"


def _trials_table(trials: Sequence[Trial]) -> str:
    ranked = sorted(trials, key=lambda trial: np.inf if _excuse(trial, trials) else trial["val_rmse"])
    rows = [
        [
            str(trial["trial"]),
            number(trial["val_rmse"]),
            *(_typed(value) for value in trial["settings"].values()),
            "–" if trial["params"] is None else f"{trial['params']:,}",
            f"{trial['seconds']:.0f}",
        ]
        for trial in ranked
    ]
    error = with_unit(f"validation {_metric(trials[0])}", trials[0])
    return table(["trial", error, *trials[0]["settings"], "parameters", "seconds"], rows, numbers=True)


def _excluded(trials: Sequence[Trial]) -> list[str]:
    """Say why trials cannot be chosen as the best."""
    lines = [f"- Trial {trial['trial']}: {excuse}" for trial in trials if (excuse := _excuse(trial, trials))]
    return ["\n".join(["Trials that cannot be chosen as the best:", "", *lines])] if lines else []


def _excuse(trial: Trial, trials: Sequence[Trial]) -> str:
    if trial["failure"]:
        return str(trial["failure"])
    if trial["val_sha256"] != trials[0]["val_sha256"]:
        return f"scored on other windows ({trial['val_windows']:,}) than trial 1 ({trials[0]['val_windows']:,})"
    return ""


def make_tuning_page(report: str, picture: Picture) -> str:
    """Write the report as a page."""
    return make_page(report, {"Over the trials": [picture]})


def make_tuning_picture(best: Mapping[str, Any], trials: Sequence[Trial]) -> Picture:
    """Show the validation error of every trial, and the lowest error so far."""
    shown = [trial for trial in trials if not _excuse(trial, trials)]
    numbers = np.array([trial["trial"] for trial in shown])
    errors = np.array([trial["val_rmse"] for trial in shown])
    labels = tuple(pairs(trial["settings"]).replace(",", "\n") for trial in shown)
    chosen = numbers == best["trial"]
    return Picture(
        "Validation error by trial",
        "trial",
        with_unit(f"validation {_metric(trials[0])}", trials[0]),
        (
            Line("lowest so far", numbers, np.minimum.accumulate(errors), ACTUAL, "dot"),
            Line("trial", numbers, errors, FORECAST, "points", labels),
            Line("best", numbers[chosen], errors[chosen], FILL, "points"),
        ),
    )
