"""The card that goes with a model's file: what it is, what it was tested on, and what it was not.

After M. Mitchell et al., "Model cards for model reporting", FAT* 2019; every number is the run's own.
"""

from typing import Any

import numpy as np

from spline_lstm.contracts import ModelInput
from spline_lstm.evaluation.markdown import table
from spline_lstm.evaluation.report import (
    CLEARLY_LESS,
    label,
    number,
    one_line,
    overall_scores,
    percent,
    verdict,
    with_unit,
)
from spline_lstm.series.splits import SPLITS

_YEAR_SECONDS = 365 * 86_400


def make_model_card(metrics: dict[str, Any], run: dict[str, Any], bundle: ModelInput) -> str:
    """Write the card.

    Args:
        metrics: What `evaluation.forecasts.evaluate` returned, with `run_id` and `intervals`.
        run: The run's record.
        bundle: The preprocessed data.

    Returns:
        Markdown.

    """
    sections = {
        "Intended use": _use(metrics, bundle),
        "Data": _data(run, bundle),
        "Inputs": _inputs(bundle),
        "Model and training": _model(run),
        "Accuracy on test": _accuracy(metrics),
        "Intervals": _intervals(metrics),
        "Limits": _limits(metrics, bundle),
        "Files": _files(run),
        "Made by": _made_by(run),
    }
    parts = [f"# Model card of {run['run_id']}", f"{one_line(metrics)}. {verdict(metrics)}"]
    parts += [f"## {heading}\n\n{text}" for heading, text in sections.items() if text]
    return "\n\n".join(parts) + "\n"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _use(metrics: dict[str, Any], bundle: ModelInput) -> str:
    targets = ", ".join(f"{name} ({unit})" if unit else name for name, unit in metrics["units"].items())
    step = f" of {bundle.meta['freq']}" if "freq" in bundle.meta else ""
    return (
        f"Forecasts the next {bundle.horizon} steps{step} of {targets} from {bundle.lookback} rows that reach "
        f"{int(bundle.ages.max()) + 1} steps back, one series at a time."
    )


def _periods(bundle: ModelInput) -> list[str]:
    """First and last day and the windows of every split."""
    days = bundle.row_timestamp.astype("datetime64[ns]").astype("datetime64[D]")
    return [
        f"{name}: {days[bundle.row_split == split].min()} to {days[bundle.row_split == split].max()}, "
        f"{len(bundle.windows_of(split)):,} windows"
        for split, name in enumerate(SPLITS)
    ]


def _data(run: dict[str, Any], bundle: ModelInput) -> str:
    if "seen" not in bundle.meta:  # of an earlier version
        return ""
    meta, seen = bundle.meta, bundle.meta["seen"]
    filled = ", ".join(f"{count} of {name}" for name, count in seen["filled_targets"].items())
    lines = [
        f"{meta['source']}, SHA-256 `{run['source_sha256']}`",
        f"{seen['series']} series, {seen['steps']:,} steps of {meta['freq']}; filled: {filled}",
        *_periods(bundle),
    ]
    return _bullets(lines)


def _inputs(bundle: ModelInput) -> str:
    ahead = bundle.preprocessor.get("known_ahead", [])
    units = bundle.meta.get("units", {})
    rows = [
        [name, units.get(name, "–"), "the horizon" if name in ahead else "the past"] for name in bundle.feature_names
    ]
    return table(["input", "unit", "describes"], rows)


def _model(run: dict[str, Any]) -> str:
    settings = run["settings"]
    names = (
        "hidden_units", "dropout", "linear_path", "link", "normalization", "spline_smoothing", "learning_rate",
        "stride",
    )  # fmt: skip
    chosen = [
        f"`{name}` was chosen on {choice['decided_on']}: {choice['chosen']}" for name, choice in run["choices"].items()
    ]
    lines = [
        f"{settings['model_type']}, {run['params']:,} parameters, {run['size_bytes']:,} bytes",
        ", ".join(f"{name} {settings[name]}" for name in names),
        *chosen,
        f"epoch {run['best_epoch']} of at most {settings['epochs']}, batches of {settings['batch_size']}, "
        f"{run['train_seconds']:.0f} s",
    ]
    return _bullets(lines)


def _accuracy(metrics: dict[str, Any]) -> str:
    rows = [
        [label(name), number(each["rmse"]), number(each["mae"]), number(each["mase"])]
        for name, each in sorted(overall_scores(metrics["test"]).items(), key=lambda item: float(item[1]["rmse"]))
    ]
    headings = ["forecast", with_unit("RMSE", metrics), with_unit("MAE", metrics), "MASE"]
    return table(headings, rows, numbers=True)


def _intervals(metrics: dict[str, Any]) -> str:
    rows = [
        [percent(entry["level"]), percent(entry["coverage"]), number(entry["mean_width"])]
        for entry in metrics["intervals"]
    ]
    return table(["level", "covered on test", "mean width"], rows, numbers=True)


def _limits(metrics: dict[str, Any], bundle: ModelInput) -> str:
    steps = metrics["test"]["model"]["per_horizon"]
    lines = [
        f"Tested on {metrics['test']['windows']:,} windows of {len(bundle.series_names)} series in the period above: "
        "not on other series, seasons or frequencies.",
        f"RMSE is {number(steps[0]['rmse'])} at step 1 and {number(steps[-1]['rmse'])} at step {steps[-1]['step']}.",
    ]
    train = bundle.row_timestamp[bundle.row_split == 0]
    if "seen" in bundle.meta and np.ptp(train) < _YEAR_SECONDS * 1_000_000_000:
        lines.append("The training part is shorter than a year: what the rest of the year is like was not seen.")
    extrapolated = bundle.meta.get("seen", {}).get("extrapolated_features", [])
    if extrapolated:
        lines.append(f"Annual features are extrapolated: {', '.join(extrapolated)}.")
    lines += [
        f"Intervals of {percent(entry['level'])} are too narrow: they covered {percent(entry['coverage'])}."
        for entry in metrics["intervals"]
        if entry["coverage"] is not None and entry["coverage"] < entry["level"] - CLEARLY_LESS
    ]
    return _bullets(lines)


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
