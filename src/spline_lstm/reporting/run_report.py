"""The report of a run, in Markdown."""

from typing import Any

import numpy as np

from spline_lstm.evaluation.scores import overall_scores
from spline_lstm.reporting.explanation import explanation_section
from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.wording import (
    CLEARLY_LESS,
    differences,
    interval_of,
    label,
    little_evidence,
    number,
    one_line,
    percent,
    refit_note,
    short_time,
    strongest_baseline,
    typical_scores,
    unit_behind,
    verdict,
    why_discarded,
    with_unit,
    worst_series,
)
from spline_lstm.series.durations import DAY
from spline_lstm.series.model_input import ModelInput

_HEADINGS = {
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "robust_mape": "robust MAPE (%)",
    "mase": "MASE",
    "r2": "R2",
}
_WORST = 5
_FOLDS = "backtest.folds=4"
_FOLDERS = ("exported_models", "model_input")


_TESTED = (
    "The last column says by how much the model's RMSE would differ from the baseline's on other periods: "
    "95 % for all baselines together, by a paired block bootstrap. If the interval contains zero, the two are level."
)


def make_report(
    metrics: dict[str, Any],
    run: dict[str, Any],
    model_input: ModelInput,
    explanations: dict[str, Any] | None = None,
) -> str:
    """Write the report.

    Args:
        metrics: Result of `evaluation.scores.evaluate`, with `run_id`.
        run: The run's record.
        model_input: The preprocessed data.
        explanations: Explanations of the model; None for a refit, which has no validation part.

    Returns:
        Markdown.

    """
    parts = [
        f"# Run {run['run_id']}",
        *refit_note(metrics),
        f"{_first_words(metrics)}**{one_line(metrics)}.** {verdict(metrics)}",
        _scores_table(metrics),
        *([_targets_table(metrics)] if len(model_input.target_names) > 1 else []),
        _horizon_table(metrics),
        _intervals_section(metrics),
        *([_series_section(metrics)] if len(metrics["test"]["model"]["per_series"]) > 1 else []),
        *([explanation_section(explanations)] if explanations else []),
        _data_section(metrics, model_input),
        _files_section(run),
        _settings_section(run),
        *([_next_section(run)] if run.get("command") else []),
    ]
    return "\n\n".join(parts) + "\n"


def _first_words(metrics: dict[str, Any]) -> str:
    words = little_evidence(metrics)
    return f"**{words}.** " if words else ""


def _scores_table(metrics: dict[str, Any]) -> str:
    """The model and the baselines on test, best first."""
    overall, val = overall_scores(metrics["test"]), overall_scores(metrics["val"])
    typical, found = typical_scores(metrics["test"]), differences(metrics)
    rows = [
        [
            f"**{label(name)}**" if name == "model" else label(name),
            *(number(scores[metric]) for metric in _HEADINGS),
            number(val[name]["rmse"]),
            interval_of(found[name]) if name in found else "",
        ]
        for name, scores in sorted(overall.items(), key=lambda item: typical[item[0]])
    ]
    errors = with_unit("errors in the target's unit", metrics)
    heading = ["forecast", *_HEADINGS.values(), "val RMSE", "the model's RMSE lies"]
    intro = f"## Accuracy\n\nAll {metrics['test']['windows']} test windows; {errors}."
    return f"{intro}\n\n{table(heading, rows, numbers=True)}\n\n{_TESTED}"


def _targets_table(metrics: dict[str, Any]) -> str:
    rows = [
        [name, *(number(scores[metric]) for metric in _HEADINGS), metrics["units"][name] or "–"]
        for name, scores in metrics["test"]["model"]["per_target"].items()
    ]
    return f"## By target\n\n{table(['target', *_HEADINGS.values(), 'unit'], rows, numbers=True)}"


def _horizon_table(metrics: dict[str, Any]) -> str:
    """Show the RMSE by step of the model and its strongest baseline, at most eight steps of the horizon."""
    steps = metrics["test"]["model"]["per_horizon"]
    name = strongest_baseline(metrics)
    others = metrics["test"]["baselines"][name]["per_horizon"]
    count = min(8, len(steps))
    chosen = sorted({round(position * (len(steps) - 1) / max(count - 1, 1)) for position in range(count)})
    rows = [[str(steps[at]["step"]), number(steps[at]["rmse"]), number(others[at]["rmse"])] for at in chosen]
    heading = ["step", "this model", name.replace("_", " ")]
    return f"## RMSE by step of the horizon\n\n{table(heading, rows, numbers=True)}"


def _intervals_section(metrics: dict[str, Any]) -> str:
    worst_times = [min(entry["over_time"], key=lambda block: block["coverage"]) for entry in metrics["intervals"]]
    rows = [
        [
            f"{100 * entry['level']:g} %",
            percent(entry["coverage"]),
            f"{number(entry['mean_width'])}{unit_behind(metrics)}",
            number(entry["winkler"]),
            worst_series(entry),
            f"{percent(block['coverage'])} (from {block['from'][:10]})",
        ]
        for entry, block in zip(metrics["intervals"], worst_times, strict=True)
    ]
    heading = ["level", "covered on test", "mean width", "Winkler score", "worst series", "worst ten horizons"]
    covered = [entry for entry in metrics["intervals"] if entry["coverage"] is not None]
    narrow = any(entry["coverage"] < entry["level"] - CLEARLY_LESS for entry in covered)
    warning = " **Errors on test are larger than on validation: the intervals are too narrow there.**" if narrow else ""
    if any(entry["mean_width"] is None for entry in metrics["intervals"]):
        warning += " A level without a width has too few validation errors: its bounds are infinite, empty in tables."
    method = "Split conformal, one width for each step"
    if metrics["half_life"]:
        method = f"Widths follow the known errors of each series, with a half life of {metrics['half_life']} errors"
    if cycle := metrics.get("error_cycle"):
        method += f", and how large errors usually are {'by the hour' if cycle == DAY else 'by the weekday'}"
    return (
        f"## Intervals\n\n{table(heading, rows, numbers=True)}\n\n"
        f"{method}, calibrated on {metrics['val']['windows']} validation windows."
        f"{warning}\n\n{_quantiles_table(metrics)}"
    )


def _quantiles_table(metrics: dict[str, Any]) -> str:
    """Show the scores of the quantiles of the model and each baseline, best first."""
    levels = [f"{100 * entry['level']:g}" for entry in metrics["intervals"]]
    columns = ["pinball", "crps", "sql", *(f"winkler_{level}" for level in levels)]
    overall = overall_scores(metrics["test"])
    rows = [
        [label(name), *(number(scores[column]) for column in columns)]
        for name, scores in sorted(overall.items(), key=lambda item: item[1]["crps"] or 0.0)
    ]
    heading = ["forecast", "pinball loss", "CRPS", "SQL", *(f"Winkler {level} %" for level in levels)]
    return f"{table(heading, rows, numbers=True)}\n\nEach baseline has intervals of its own, made the same way."


def _series_section(metrics: dict[str, Any]) -> str:
    """Show the spread of the scores over the tested series, and the worst series."""
    series = metrics["test"]["model"]["per_series"]
    columns = {"rmse": "RMSE", "mae": "MAE", "mase": "MASE"}
    columns |= {
        f"coverage_{100 * entry['level']:g}": f"in {100 * entry['level']:g} %" for entry in metrics["intervals"]
    }
    spread = []
    for word, share in (("5 %", 5), ("median", 50), ("95 %", 95)):
        values = [[each[name] for each in series.values() if each[name] is not None] for name in columns]
        spread.append([word, *(number(float(np.percentile(found, share)) if found else None) for found in values)])
    worst = sorted(series, key=lambda name: (series[name]["mase"] or 0.0, series[name]["rmse"] or 0.0), reverse=True)
    rows = [[name, *(number(series[name][column]) for column in columns)] for name in worst[:_WORST]]
    return (
        f"## By series\n\n{table(['of the series', *columns.values()], spread, numbers=True)}\n\n"
        f"{table(['worst series', *columns.values()], rows, numbers=True)}"
    )


def _data_section(metrics: dict[str, Any], model_input: ModelInput) -> str:
    meta = model_input.meta
    windows = {
        name: int((model_input.window_split == number).sum()) for number, name in enumerate(("train", "val", "test"))
    }
    lines = [
        f"- Windows: {windows['train']} train, {windows['val']} val, {windows['test']} test, in chronological order; "
        f"lookback {model_input.lookback}, horizon {model_input.horizon}, season {metrics['season']}",
        f"- Inputs ({len(model_input.feature_names)}): {', '.join(model_input.feature_names)}",
    ]
    if "seen" in meta:
        seen = meta["seen"]
        filled = ", ".join(f"{name} {count}" for name, count in seen["filled_targets"].items())
        lines.insert(
            0,
            f"- Table: {meta['source']}, {seen['series']} series, {seen['steps']} steps of {meta['freq']} "
            f"from {short_time(seen['first'], meta['freq'])} to {short_time(seen['last'], meta['freq'])}",
        )
        lines.append(
            f"- Gaps: {seen['absent_rows']} rows absent, targets filled: {filled}; "
            f"{seen['dropped_windows']} windows dropped because a fill would have looked ahead or nothing was observed"
        )
        lines += [f"- **{weakness}**" for weakness in seen.get("weaknesses", [])]
    return "## Data\n\n" + "\n".join(lines)


def _files_section(run: dict[str, Any]) -> str:
    """Name the files of the run; a record of an earlier version knows fewer of them."""
    places = run["places"]
    size = f"{run['size_bytes']:,} bytes, {run['params']:,} parameters"
    files = {
        "report_page": ("this report with pictures", "and with the gate, once it has judged"),
        "model": ("model", size),
        "last_model": ("last epoch", ""),
        "predictions": ("forecasts on test", '`catalog.load("predictions")`'),
        "series_metrics": ("metrics by series", '`catalog.load("series_metrics")`'),
        "metrics": ("all metrics", '`catalog.load("metrics")`'),
        "intervals": ("intervals", '`catalog.load("intervals")`'),
        "run_record": ("this run", "settings, versions, hashes"),
        "exported_models": ("exported files", f"verdicts: `{places['edge_report']}`"),
        "model_card": ("to go with the model", '`catalog.load("model_card")`'),
        "backtest_report": ("more test blocks", "after `--pipeline=backtest`"),
        "model_input": ("windows", '`catalog.load("model_input")`'),
    }
    rows = [
        [what, f"`{places[name]}{'/' if name in _FOLDERS else ''}`", more]
        for name, (what, more) in files.items()
        if name in places
    ]
    return f"## Files\n\n{table(['what', 'where', ''], rows)}"


def _settings_section(run: dict[str, Any]) -> str:
    shown = (
        "model_type",
        "feature_mode",
        "hidden_units",
        "dropout",
        "learning_rate",
        "batch_size",
        "epochs",
        "normalization",
        "spline_smoothing",
        "linear_path",
        "link",
        "segment",
        "loss",
        "seed",
    )
    chosen = {name: f" ({choice['chosen']})" for name, choice in run["choices"].items()}
    settings = ", ".join(f"{name} {run['settings'][name]}{chosen.get(name, '')}" for name in shown)
    commit = _short(run["commit_hash"])
    return (
        f"## How\n\nTrained in {run['train_seconds']:.0f} s, best epoch {run['best_epoch']}{why_discarded(run)}. "
        f"Commit {commit}. Settings: {settings}.{_search_note(run)}"
    )


def _search_note(run: dict[str, Any]) -> str:
    """Say how many settings were tried before these were chosen, or nothing."""
    tried = run["settings"].get("settings_tried", 1)
    if tried == 1:
        return ""
    return (
        f" **They are the best of {tried} that were tried on validation, so the validation errors are lower than they "
        "would be elsewhere; those on test are not.**"
    )


def _next_section(run: dict[str, Any]) -> str:
    """List the next commands, with the options of the command that made the run."""
    program, given = run["command"].partition(" --params ")[::2]
    run_id = run["run_id"]
    lines = [
        f"- Forecast the steps after the table: `{program} --pipeline=forecasting --params run_id={run_id}`; for a "
        "later table, add its path as input_path",
        f"- Judge the exported files: `{run['command']} --pipeline=edge_poc`",
        f"- Test on more blocks: `{program} --pipeline=backtest --params {','.join([*filter(None, [given]), _FOLDS])}`",
        f"- Train on the whole table: `{program} --pipeline=refit --params run_id={run_id}`",
        f"- Repeat this run: `{run['command']}`",
    ]
    return "## Next\n\n" + "\n".join(lines)


def _short(commit_hash: str | None) -> str:
    """Return the first digits of a commit hash, and whether files differed from the commit."""
    digits, _, dirty = (commit_hash or "none").partition("-")
    return digits[:12] + (f"-{dirty}" if dirty else "")
