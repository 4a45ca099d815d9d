"""The card of a model's file: its purpose, its tests, and their limits.

After M. Mitchell et al., "Model cards for model reporting", FAT* 2019; every number is the run's own.
"""

from typing import Any

import numpy as np

from spline_lstm.evaluation.scores import overall_scores
from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.wording import (
    CLEARLY_LESS,
    label,
    little_evidence,
    number,
    one_line,
    percent,
    refit_note,
    typical_scores,
    verdict,
    why_discarded,
    with_unit,
    worst_series,
)
from spline_lstm.series.durations import YEAR_NS
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.splits import SPLITS
from spline_lstm.text import examples

_MOST_NAMES = 20


def make_model_card(metrics: dict[str, Any], run: dict[str, Any], model_input: ModelInput) -> str:
    """Write the card.

    Args:
        metrics: Result of `evaluation.scores.evaluate`, with `run_id` and `intervals`.
        run: The run's record.
        model_input: The preprocessed data.

    Returns:
        Markdown.

    """
    sections = {
        "Intended use": _use(metrics, model_input),
        "Data": _data(run, model_input),
        "Inputs": _inputs(model_input),
        "Model and training": _model(run),
        "Accuracy on test": _accuracy(metrics),
        "Intervals": _intervals(metrics),
        "Limits": _limits(metrics, model_input),
        "Files": _files(run),
        "Made by": _made_by(run),
    }
    evidence = little_evidence(metrics)
    first = [*([evidence] if evidence else []), one_line(metrics), verdict(metrics)]
    parts = [f"# Model card of {run['run_id']}", *refit_note(metrics), ". ".join(first)]
    parts += [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join(parts) + "\n"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _use(metrics: dict[str, Any], model_input: ModelInput) -> str:
    targets = ", ".join(f"{name} ({unit})" if unit else name for name, unit in metrics["units"].items())
    step = f" of {model_input.meta['freq']}" if "freq" in model_input.meta else ""
    return (
        f"Forecasts the next {model_input.horizon} steps{step} of {targets} from {model_input.lookback} rows that "
        f"reach {int(model_input.ages.max()) + 1} steps back, one series at a time."
    )


def _periods(model_input: ModelInput) -> list[str]:
    """Return the first and last day and the number of windows of every split."""
    days = model_input.row_timestamp.astype("datetime64[ns]").astype("datetime64[D]")
    return [
        f"{name}: {days[model_input.row_split == split].min()} to {days[model_input.row_split == split].max()}, "
        f"{len(model_input.windows_of(split)):,} windows"
        for split, name in enumerate(SPLITS)
        if (model_input.row_split == split).any()
    ]


def _data(run: dict[str, Any], model_input: ModelInput) -> str:
    if "seen" not in model_input.meta:  # of an earlier version
        return ""
    meta, seen = model_input.meta, model_input.meta["seen"]
    filled = ", ".join(f"{count} of {name}" for name, count in seen["filled_targets"].items())
    lines = [
        f"{meta['source']}, SHA-256 `{run['source_sha256']}`",
        f"{seen['series']} series, {seen['steps']:,} steps of {meta['freq']}; filled: {filled}",
        *_periods(model_input),
    ]
    return _bullets(lines)


def _inputs(model_input: ModelInput) -> str:
    ahead = model_input.preprocessor.get("known_ahead", [])
    units = model_input.meta.get("units", {})
    rows = [
        [name, units.get(name, "–"), "the horizon" if name in ahead else "the past"]
        for name in model_input.feature_names
    ]
    return table(["input", "unit", "describes"], rows)


def _model(run: dict[str, Any]) -> str:
    settings = run["settings"]
    names = (
        "hidden_units",
        "dropout",
        "linear_path",
        "link",
        "segment",
        "loss",
        "normalization",
        "spline_smoothing",
        "learning_rate",
        "stride",
    )
    chosen = [
        f"`{name}` was chosen on {choice['decided_on']}: {choice['chosen']}" for name, choice in run["choices"].items()
    ]
    lines = [
        f"{settings['model_type']}, {run['params']:,} parameters, {run['size_bytes']:,} bytes",
        ", ".join(f"{name} {settings[name]}" for name in names),
        *chosen,
        f"epoch {run['best_epoch']} of at most {settings['epochs']}{why_discarded(run)}, "
        f"batches of {settings['batch_size']}, {run['train_seconds']:.0f} s",
    ]
    return _bullets(lines)


def _accuracy(metrics: dict[str, Any]) -> str:
    typical = typical_scores(metrics["test"])
    rows = [
        [label(name), number(each["rmse"]), number(each["mae"]), number(each["mase"])]
        for name, each in sorted(overall_scores(metrics["test"]).items(), key=lambda item: typical[item[0]])
    ]
    headings = ["forecast", with_unit("RMSE", metrics), with_unit("MAE", metrics), "MASE"]
    return table(headings, rows, numbers=True)


def _intervals(metrics: dict[str, Any]) -> str:
    rows = [
        [percent(entry["level"]), percent(entry["coverage"]), number(entry["mean_width"]), worst_series(entry)]
        for entry in metrics["intervals"]
    ]
    return table(["level", "covered on test", "mean width", "worst series"], rows, numbers=True)


def _limits(metrics: dict[str, Any], model_input: ModelInput) -> str:
    steps = metrics["test"]["model"]["per_horizon"]
    lines = [
        f"Tested on {metrics['test']['windows']:,} windows of {_tested(model_input)} in the period "
        "above: not on other series, seasons or frequencies.",
        f"RMSE is {number(steps[0]['rmse'])} at step 1 and {number(steps[-1]['rmse'])} at step {steps[-1]['step']}.",
    ]
    train = model_input.row_timestamp[model_input.row_split == 0]
    if "seen" in model_input.meta and np.ptp(train) < YEAR_NS:
        lines.append("The training part is shorter than a year: the model has not seen the rest of the year.")
    extrapolated = model_input.meta.get("seen", {}).get("extrapolated_features", [])
    if extrapolated:
        lines.append(f"Annual features are extrapolated: {', '.join(extrapolated)}.")
    lines += [f"{weakness}." for weakness in model_input.meta.get("seen", {}).get("weaknesses", [])]
    lines += [
        f"Intervals of {percent(entry['level'])} are too narrow: they covered {percent(entry['coverage'])}."
        for entry in metrics["intervals"]
        if entry["coverage"] is not None and entry["coverage"] < entry["level"] - CLEARLY_LESS
    ]
    return _bullets(lines)


def _tested(model_input: ModelInput) -> str:
    """Count and name the series with a window in the test part."""
    tested = [
        model_input.series_names[number] for number in np.unique(model_input.window_series[model_input.windows_of(2)])
    ]
    every = len(model_input.series_names)
    count = str(every) if len(tested) == every else f"{len(tested)} of {every}"
    return f"{count} series ({examples(tested, _MOST_NAMES)})"


def _files(run: dict[str, Any]) -> str:
    places = run["places"]
    files = [
        (places["model"], run["sha256"]["model.keras"]),
        (places["last_model"], run["sha256"]["last.keras"]),
        *((f"{places['model_input']}/{name}", digest) for name, digest in run["processed_sha256"].items()),
    ]
    rows = [[f"`{place}`", f"`{digest}`"] for place, digest in files]
    exported = f"Exported files, once made, are named with their SHA-256 in `{places['exported_models']}/index.json`."
    return f"{table(['file', 'SHA-256'], rows)}\n\n{exported}"


def _made_by(run: dict[str, Any]) -> str:
    lines = [f"seed {run['seed']}, commit {run['commit_hash'] or 'none'}"]
    if run.get("command"):
        lines.insert(0, f"`{run['command']}`")
    lines.append(", ".join(f"{name} {version}" for name, version in run["versions"].items()))
    return _bullets([*lines, f"finished at {run['finished_at']}"])
