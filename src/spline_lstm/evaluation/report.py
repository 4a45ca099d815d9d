"""The report of a run, in Markdown, for a person at a glance."""

from importlib.metadata import version
from typing import Any

from spline_lstm.contracts import ModelInput
from spline_lstm.evaluation.markdown import table

_HEADINGS = {
    "mae": "MAE", "mse": "MSE", "rmse": "RMSE", "robust_mape": "robust MAPE (%)", "mase": "MASE", "r2": "R2",
}  # fmt: skip
_LEVEL = 5e-4
"""Relative difference of two RMSE that is shown as none."""
CLEARLY_LESS = 0.05
"""Share of the truth by which an interval may miss its level before the report warns."""
_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras", "numpy", "pandas", "scipy", "kedro", "spline-lstm")


def package_versions() -> dict[str, str]:
    """Versions of the packages that shape a result."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except ModuleNotFoundError:
            continue
    return versions


def one_line(metrics: dict[str, Any]) -> str:
    """Say how the model compares with its strongest baseline on test."""
    model, (name, baseline) = metrics["test"]["model"]["overall"], _best_baseline(metrics)
    return (
        f"Test RMSE {number(model['rmse'])}{_unit(metrics)}, {against(model['rmse'], baseline['rmse'])} the "
        f"strongest baseline ({name.replace('_', ' ')}, {number(baseline['rmse'])})"
    )


def against(rmse: float, baseline: float) -> str:
    """Put the relation to a baseline into words; what rounds to nothing is level."""
    if abs(rmse - baseline) <= _LEVEL * baseline:
        return "level with"
    side = "below" if rmse < baseline else "above"
    return f"{abs(rmse / baseline - 1):.1%} {side}" if baseline else side


def _best_baseline(metrics: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    baselines = {name: scores["overall"] for name, scores in metrics["test"]["baselines"].items()}
    name = min(baselines, key=lambda key: baselines[key]["rmse"])
    return name, baselines[name]


def make_report(metrics: dict[str, Any], run: dict[str, Any], bundle: ModelInput) -> str:
    """Write the report.

    Args:
        metrics: What `evaluation.forecasts.evaluate` returned, with `run_id`.
        run: The run's record.
        bundle: The preprocessed data.

    Returns:
        Markdown.

    """
    parts = [
        f"# Run {run['run_id']}",
        f"**{one_line(metrics)}.** {verdict(metrics)}",
        _scores_table(metrics),
        *([_targets_table(metrics)] if len(bundle.target_names) > 1 else []),
        _horizon_table(metrics),
        _intervals_section(metrics),
        _data_section(metrics, bundle),
        _files_section(run),
        _settings_section(run),
    ]
    return "\n\n".join(parts) + "\n"


def verdict(metrics: dict[str, Any]) -> str:
    """Say whether the model is better than all baselines on test."""
    rmse = metrics["test"]["model"]["overall"]["rmse"]
    beaten_by = [
        name.replace("_", " ")
        for name, scores in metrics["test"]["baselines"].items()
        if scores["overall"]["rmse"] < (1 - _LEVEL) * rmse
    ]
    if not beaten_by and against(rmse, _best_baseline(metrics)[1]["rmse"]) == "level with":
        return "The model is no better than it."
    if not beaten_by:
        return "The model beats every baseline."
    return f"The model loses to {' and '.join(beaten_by)}: do not ship it as it is."


def unit_of(metrics: dict[str, Any]) -> str:
    """Return the unit that all targets share, or nothing."""
    units = set(metrics["units"].values())
    return str(units.pop()) if len(units) == 1 and units != {None} else ""


def with_unit(heading: str, metrics: dict[str, Any]) -> str:
    """Return a heading with the unit that all targets share, if they do, in brackets."""
    unit = unit_of(metrics)
    return f"{heading} ({unit})" if unit else heading


def overall_scores(part: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Overall scores of the model (`model`) and the baselines on one split."""
    return {
        "model": part["model"]["overall"],
        **{name: scores["overall"] for name, scores in part["baselines"].items()},
    }


def label(name: str) -> str:
    """Return what people read for the name of a forecast."""
    return "this model" if name == "model" else name.replace("_", " ")


def _unit(metrics: dict[str, Any]) -> str:
    unit = unit_of(metrics)
    return f" {unit}" if unit else ""


def number(value: float | None) -> str:
    """Return a number with four digits, or a dash where there is none."""
    return "–" if value is None else f"{value:.4g}"


def _scores_table(metrics: dict[str, Any]) -> str:
    """The model and the baselines on test, best first."""
    overall, val = overall_scores(metrics["test"]), overall_scores(metrics["val"])
    rows = [
        [
            f"**{label(name)}**" if name == "model" else label(name),
            *(number(scores[metric]) for metric in _HEADINGS),
            number(val[name]["rmse"]),
        ]
        for name, scores in sorted(overall.items(), key=lambda item: item[1]["rmse"])
    ]
    errors = with_unit("errors in the target's unit", metrics)
    intro = f"## Accuracy\n\nAll {metrics['test']['windows']} test windows; {errors}."
    return f"{intro}\n\n{table(['forecast', *_HEADINGS.values(), 'val RMSE'], rows, numbers=True)}"


def _targets_table(metrics: dict[str, Any]) -> str:
    rows = [
        [name, *(number(scores[metric]) for metric in _HEADINGS), metrics["units"][name] or "–"]
        for name, scores in metrics["test"]["model"]["per_target"].items()
    ]
    return f"## By target\n\n{table(['target', *_HEADINGS.values(), 'unit'], rows, numbers=True)}"


def _horizon_table(metrics: dict[str, Any]) -> str:
    """RMSE by step for the model and its strongest baseline, at most eight steps spread over the horizon."""
    steps = metrics["test"]["model"]["per_horizon"]
    name, _ = _best_baseline(metrics)
    others = metrics["test"]["baselines"][name]["per_horizon"]
    count = min(8, len(steps))
    chosen = sorted({round(position * (len(steps) - 1) / max(count - 1, 1)) for position in range(count)})
    rows = [[str(steps[at]["step"]), number(steps[at]["rmse"]), number(others[at]["rmse"])] for at in chosen]
    heading = ["step", "this model", name.replace("_", " ")]
    return f"## RMSE by step of the horizon\n\n{table(heading, rows, numbers=True)}"


def _intervals_section(metrics: dict[str, Any]) -> str:
    rows = [
        [f"{100 * entry['level']:g} %", percent(entry["coverage"]), f"{number(entry['mean_width'])}{_unit(metrics)}"]
        for entry in metrics["intervals"]
    ]
    covered = [entry for entry in metrics["intervals"] if entry["coverage"] is not None]
    narrow = any(entry["coverage"] < entry["level"] - CLEARLY_LESS for entry in covered)
    warning = " **Errors on test are larger than on validation: the intervals are too narrow there.**" if narrow else ""
    return (
        f"## Intervals\n\n{table(['level', 'covered on test', 'mean width'], rows, numbers=True)}\n\n"
        f"Split conformal, calibrated on {metrics['val']['windows']} validation windows for each step.{warning}"
    )


def percent(share: float | None) -> str:
    """Return a share in percent, or a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _data_section(metrics: dict[str, Any], bundle: ModelInput) -> str:
    meta = bundle.meta
    windows = {name: int((bundle.window_split == number).sum()) for number, name in enumerate(("train", "val", "test"))}
    lines = [
        f"- Windows: {windows['train']} train, {windows['val']} val, {windows['test']} test, in chronological order; "
        f"lookback {bundle.lookback}, horizon {bundle.horizon}, season {metrics['season']}",
        f"- Inputs ({len(bundle.feature_names)}): {', '.join(bundle.feature_names)}",
    ]
    if "seen" in meta:
        seen = meta["seen"]
        filled = ", ".join(f"{name} {count}" for name, count in seen["filled_targets"].items())
        lines.insert(
            0,
            f"- Table: {meta['source']}, {seen['series']} series, {seen['steps']} steps of {meta['freq']} "
            f"from {seen['first']} to {seen['last']}",
        )
        lines.append(
            f"- Gaps: {seen['absent_rows']} rows absent, targets filled: {filled}; "
            f"{seen['dropped_windows']} windows dropped because a fill would have looked ahead or nothing was observed"
        )
    return "## Data\n\n" + "\n".join(lines)


def _files_section(run: dict[str, Any]) -> str:
    places = run["places"]
    size = f"{run['size_bytes']:,} bytes, {run['params']:,} parameters"
    rows = [
        ["model", f"`{places['model']}`", size],
        ["last epoch", f"`{places['last_model']}`", ""],
        ["forecasts on test", f"`{places['predictions']}`", '`catalog.load("predictions")`'],
        ["all metrics", f"`{places['metrics']}`", '`catalog.load("metrics")`'],
        ["intervals", f"`{places['intervals']}`", '`catalog.load("intervals")`'],
        ["this run", f"`{places['run_record']}`", "settings, versions, hashes"],
        ["exported files", f"`{places['exported_models']}/`", f"verdicts: `{places['edge_report']}`"],
        ["to go with the model", f"`{places['model_card']}`", '`catalog.load("model_card")`'],
        ["more test blocks", f"`{places['backtest_report']}`", "after `--pipeline=backtest`"],
        ["windows", f"`{places['model_input']}/`", '`catalog.load("model_input")`'],
    ]  # fmt: skip
    return f"## Files\n\n{table(['what', 'where', ''], rows)}"


def _settings_section(run: dict[str, Any]) -> str:
    shown = (
        "model_type", "feature_mode", "hidden_units", "dropout", "learning_rate", "batch_size", "epochs",
        "normalization", "spline_smoothing", "linear_path", "link", "seed",
    )  # fmt: skip
    chosen = {name: f" ({choice['chosen']})" for name, choice in run["choices"].items()}
    settings = ", ".join(f"{name} {run['settings'][name]}{chosen.get(name, '')}" for name in shown)
    commit = _short(run["commit_hash"])
    return (
        f"## How\n\nTrained in {run['train_seconds']:.0f} s, best epoch {run['best_epoch']}. Commit {commit}. "
        f"Settings: {settings}."
    )


def _short(commit_hash: str | None) -> str:
    """Return the first digits of a commit hash, and whether files differed from it."""
    digits, _, dirty = (commit_hash or "none").partition("-")
    return digits[:12] + (f"-{dirty}" if dirty else "")
