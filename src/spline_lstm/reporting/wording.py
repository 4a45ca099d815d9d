"""The words that all reports share: numbers, units, names of forecasts, verdicts."""

from typing import Any

from spline_lstm.evaluation.differences import Difference, compare, typical_rmse
from spline_lstm.models.base import ENOUGH_HORIZONS
from spline_lstm.text import significant

_BOUNDLESS = 1e6
"""From this ratio of two errors on, a percentage says nothing: the other error is practically zero."""
_PARTS = {"val": "validation", "test": "test"}
CLEARLY_LESS = 0.05
"""A report warns if the coverage of an interval is below its level by more than this share."""


def number(value: float | None) -> str:
    """Return a number with four digits, or a dash for None."""
    return "–" if value is None else significant(value)


def percent(share: float | None) -> str:
    """Return a share in percent, or a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def worst_series(entry: dict[str, Any]) -> str:
    """Name the series with the lowest coverage of a level, and this coverage."""
    worst = entry["worst_series"]
    return percent(None) if worst is None else f"{percent(worst['coverage'])} ({worst['series']})"


def unit_of(metrics: dict[str, Any]) -> str:
    """Return the unit that all targets share, or nothing."""
    units = set(metrics["units"].values())
    return str(units.pop()) if len(units) == 1 and units != {None} else ""


def unit_behind(metrics: dict[str, Any]) -> str:
    """Return the unit that all targets share, with a space before it, or nothing."""
    unit = unit_of(metrics)
    return f" {unit}" if unit else ""


def with_unit(heading: str, metrics: dict[str, Any]) -> str:
    """Return a heading with the unit that all targets share in brackets, if they share one."""
    unit = unit_of(metrics)
    return f"{heading} ({unit})" if unit else heading


def little_evidence(metrics: dict[str, Any]) -> str:
    """Warn if validation or test has fewer windows than ten horizons have steps, or return nothing."""
    enough = ENOUGH_HORIZONS * len(metrics["test"]["model"]["per_horizon"])
    few = [
        f"{metrics[split]['windows']} in {name}" for split, name in _PARTS.items() if metrics[split]["windows"] < enough
    ]
    if not few:
        return ""
    return f"Little evidence: windows are few ({' and '.join(few)}; {enough} steps are ten horizons)"


def short_time(text: str, freq: str) -> str:
    """Return an ISO 8601 time as precise as the step: a year, a month, a day, or all of it."""
    unit = freq.lstrip("0123456789").removeprefix("B") or freq
    if unit[:1] == "Y":
        return text[:4]
    if unit[:2] in ("MS", "ME", "QS", "QE"):
        return text[:7]
    return text[:10] if text[10:] in ("", "T00:00:00") else text.replace("T", " ")


def label(name: str) -> str:
    """Return the readable name of a forecast."""
    return "this model" if name == "model" else name.replace("_", " ")


def typical_scores(part: dict[str, Any]) -> dict[str, float]:
    """Return the score that ranks the model (`model`) and the baselines on one split."""
    return {name: typical_rmse(scores) for name, scores in {"model": part["model"], **part["baselines"]}.items()}


def strongest_baseline(metrics: dict[str, Any]) -> str:
    """Return the name of the baseline with the lowest error on test."""
    scores = typical_scores(metrics["test"])
    return min((name for name in scores if name != "model"), key=lambda name: scores[name])


def against(difference: Difference) -> str:
    """Describe the relation to a baseline in words."""
    if difference.is_level:
        return "level with"
    side = "below" if difference.ratio < 1 else "above"
    return f"{abs(difference.ratio - 1):.1%} {side}" if difference.ratio < _BOUNDLESS else side


def interval_of(difference: Difference) -> str:
    """Return the interval of the relation, such as `-3.1% to +0.4%`; a dash if it was not tested."""
    if difference.low is None or difference.high is None or difference.high >= _BOUNDLESS:
        return "–"
    return f"{difference.low - 1:+.1%} to {difference.high - 1:+.1%}"


def differences(metrics: dict[str, Any]) -> dict[str, Difference]:
    """Compare the model with every baseline on test; the intervals hold for all comparisons together."""
    baselines = metrics["test"]["baselines"]
    return {name: compare(metrics["test"], name, comparisons=len(baselines)) for name in baselines}


def one_line(metrics: dict[str, Any]) -> str:
    """Say how the model compares with its strongest baseline on test."""
    name, scores = strongest_baseline(metrics), typical_scores(metrics["test"])
    difference = differences(metrics)[name]
    relation = f"{against(difference)} the strongest baseline"
    targets = len(metrics["units"])
    if targets > 1:
        return f"Test RMSE, geometric mean over {targets} targets: {relation} ({label(name)})"
    return (
        f"Test RMSE {number(scores['model'])}{unit_behind(metrics)}, {relation} ({label(name)}, {number(scores[name])})"
    )


def verdict(metrics: dict[str, Any]) -> str:
    """Say whether the model beats all baselines on test, and on which targets it does not."""
    found = differences(metrics)
    beaten_by = [label(name) for name, each in found.items() if each.ratio > 1 and not each.is_level]
    level = [label(name) for name, each in found.items() if each.is_level]
    if beaten_by:
        words = f"The model loses to {' and '.join(beaten_by)}: do not ship it as it is."
    elif level:
        words = f"The model is not clearly better than {' and '.join(level)}."
    else:
        words = "The model beats every baseline."
    return words + _lost_targets(metrics)


def _lost_targets(metrics: dict[str, Any]) -> str:
    """Name each target on which a baseline is better: their mean would hide it."""
    model, baselines = metrics["test"]["model"]["per_target"], metrics["test"]["baselines"]
    lost = []
    for target in model if len(model) > 1 else ():
        others = {name: each["per_target"][target]["rmse"] for name, each in baselines.items()}
        best = min((name for name in others if others[name] is not None), key=lambda name: others[name], default=None)
        if best is None:
            continue
        difference = compare(metrics["test"], best, comparisons=len(model), target=list(model).index(target))
        if difference.ratio > 1 and not difference.is_level:
            lost.append(f"{target} ({against(difference)} {label(best)})")
    return f" It loses on {', '.join(lost)}." if lost else ""


def why_discarded(run: dict[str, Any]) -> str:
    """Say in brackets that the training was discarded and why, or nothing."""
    reason = run.get("discarded")
    return f" (**the training was discarded**: {reason})" if reason else ""


def refit_note(metrics: dict[str, Any]) -> list[str]:
    """Return a paragraph that says whose scores a refit shows; nothing for other runs."""
    if "refit_of" not in metrics:
        return []
    return [
        f"**A refit of run {metrics['refit_of']}: its settings, trained once more on every window up to the end of the "
        f"table. Scores and intervals are those of {metrics['refit_of']} on its test part; this model was not tested.**"
    ]
