"""The comparison for people: Markdown and pictures."""

from typing import Any, Literal

import numpy as np

from spline_lstm.evaluation.comparison import COLUMNS, CellRecord, Row
from spline_lstm.evaluation.verdicts import row_of
from spline_lstm.reporting.markdown import table
from spline_lstm.reporting.picture import ACTUAL, Bars, Line, Picture, colours_of
from spline_lstm.reporting.plots import steps_line
from spline_lstm.reporting.wording import with_unit

_MODEL = ("model_type", "data_mode")
_STYLES: dict[str, Literal["solid", "dash"]] = {"univariate": "solid", "multivariate": "dash"}
_DIGITS = {"params": ",.0f", "train_seconds": ".0f", "model_size(MB)": ".3f", "p50(ms)": ".3f", "p95(ms)": ".3f"}


def add_reasons(verdicts: dict[str, dict[str, Any]], summary: list[Row], targets: int) -> dict[str, dict[str, Any]]:
    """Return the verdicts with the reason for each.

    Args:
        verdicts: Result of `verdicts.make_verdicts`.
        summary: The rows that the verdicts were made from.
        targets: Number of targets; over several, the figures are geometric means over them.

    """
    rows = {name: row_of(summary, verdict) for name, verdict in verdicts.items()}
    accuracy, edge, chosen = rows["accuracy"], rows["edge"], rows["recommendation"]
    over = f" (geometric mean over {targets} targets)" if targets > 1 else ""
    spread = "" if targets > 1 else f" (spread {accuracy['RMSE spread']:.2g})"
    relation = (
        "the lowest"
        if chosen["typical RMSE"] == accuracy["typical RMSE"]
        else f"{chosen['typical RMSE'] / accuracy['typical RMSE'] - 1:.1%} above the accuracy winner's"
    )
    reasons = {
        "accuracy": f"lowest test RMSE{over}: {accuracy['typical RMSE']:.4g} on average over seeds{spread}",
        "edge": f"lowest weighted sum of p95 and size: {edge['p95(ms)']:.3g} ms, {edge['model_size(MB)']:.3g} MB",
        "recommendation": (
            f"best balance of validation RMSE{over} ({chosen['typical val RMSE']:.4g}) and the edge score "
            f"({chosen['p95(ms)']:.3g} ms, {chosen['model_size(MB)']:.3g} MB); its test RMSE is "
            f"{chosen['typical RMSE']:.4g}, {relation}"
        ),
    }
    return {name: {**verdict, "reason": reasons[name]} for name, verdict in verdicts.items()}


def make_comparison_report(comparison: dict[str, Any]) -> str:
    """Write the comparison.

    Args:
        comparison: `benchmark_id`, `rows`, `baselines`, `summary`, `verdicts`, `shared`, `units`, `commit_hashes`.

    Returns:
        Markdown.

    """
    parts = [
        f"# {comparison['benchmark_id']}",
        _verdict_section(comparison),
        _summary_section(comparison),
        _rows_section(comparison),
        _fairness_section(comparison),
    ]
    return "\n\n".join(parts) + "\n"


def _cell(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float) or name == "params":
        return format(value, _DIGITS.get(name, ".4g"))
    return str(value)


def _table(names: list[str], rows: list[Row]) -> str:
    return table(names, [[_cell(name, row.get(name)) for name in names] for row in rows])


def _label(verdict: dict[str, Any]) -> str:
    return ", ".join(verdict[key] for key in ("model_type", "data_mode", "file") if key in verdict)


def _verdict_section(comparison: dict[str, Any]) -> str:
    verdicts = comparison["verdicts"]
    loses = verdicts["recommendation"]["loses_to_ridge"]
    level = [f"{item['model_type']}, {item['data_mode']}" for item in comparison["differences"] if item["level"]]
    lines = [
        _verdict_line(title, verdicts[key])
        for title, key in (
            (_advice(comparison), "recommendation"),
            ("Lowest error" if level else "Most accurate", "accuracy"),
            ("Best edge score of the Keras models", "edge"),
        )
    ]
    if level:
        winner = _label(verdicts["accuracy"])
        lines.append(
            f"- Most accurate: level between {winner} and {'; '.join(level)}. The test part cannot tell them apart."
        )
    lines.append(
        "- Latency and size are those of the Keras models; those of the exported files, which a device runs, come from "
        "`kedro run --pipeline=edge_matrix`."
    )
    unstable = [row["run_id"] for row in comparison["rows"] if "latency unstable" in row["notes"]]
    if unstable:
        lines.append(f"- **Latencies were unstable, so do not compare them: {', '.join(unstable)}.**")
    ridge = best_ridge(comparison)
    warning = "**With every seed it loses to the ridge regression on the same inputs.** " if loses else ""
    lines.append(
        f"- {warning}For scale: the best ridge regression ({ridge['data_mode']}) has a test RMSE of "
        f"{ridge['RMSE']:.4g} with {ridge['params']:,} weights."
    )
    return "## Which model to ship\n\n" + "\n".join(lines)


def _advice(comparison: dict[str, Any]) -> str:
    """Say whether to ship the recommended model: only if it is clearly better than ridge on the same inputs."""
    chosen = comparison["verdicts"]["recommendation"]
    if chosen["loses_to_ridge"]:
        return "Ship none of them as it is; closest"
    same = [row for row in comparison["rows"] if row.items() >= {key: chosen[key] for key in _MODEL}.items()]
    if all("level with ridge" in row["notes"] for row in same):
        return "Level with ridge, so ship it only if it costs you nothing"
    return "Ship"


def make_device_section(comparison: dict[str, Any]) -> str:
    """Say which exported file to ship.

    Args:
        comparison: Result of the benchmark, with the verdicts on exported files; no verdicts if no file passed.

    Returns:
        Markdown.

    """
    verdicts = comparison["verdicts"]
    if not verdicts:
        return "## Which file to ship\n\nNone: no file with 32-bit weights passes all criteria."
    lines = [
        _verdict_line(title, verdicts[key])
        for title, key in ((_advice(comparison), "recommendation"), ("Best edge score", "edge"))
    ]
    lines.append(
        "- Latency and size are those of the exported files with 32-bit weights that pass, of the first seed. Accuracy "
        "is the mean over the seeds of the benchmark; `comparison.md` says which differences are more than chance. "
        "p95 and size are divided by their limits in the gate, then weighted."
    )
    return "## Which file to ship\n\n" + "\n".join(lines)


def _verdict_line(title: str, verdict: dict[str, Any]) -> str:
    weights = f" (weights: {_weights(verdict['weights'])})" if "weights" in verdict else ""
    return f"- **{title}: {_label(verdict)}** – {verdict['reason']}{weights}"


def best_ridge(comparison: dict[str, Any]) -> Row:
    """Return the row of the ridge regression with the lowest test error."""
    rows: list[Row] = [row for row in comparison["baselines"] if row["model_type"] == "ridge"]
    return min(rows, key=lambda row: float(row["typical RMSE"]))


def _weights(weights: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in weights.items())


def _summary_section(comparison: dict[str, Any]) -> str:
    names = [
        "model_type",
        "data_mode",
        "RMSE",
        "RMSE spread",
        "val RMSE",
        "MAE",
        "MASE",
        "R2",
        "p50(ms)",
        "p95(ms)",
        "model_size(MB)",
        "params",
        "train_seconds",
    ]
    beside = [*comparison["baselines"], *comparison["ensembles"]]
    rows = sorted([*comparison["summary"], *beside], key=lambda row: row["typical RMSE"])
    seeds = ", ".join(str(seed) for seed in comparison["summary"][0]["seeds"])
    errors = with_unit("Errors on test, in the target's unit", comparison)
    summed = " An ensemble's latency is the sum of its members'." if comparison["ensembles"] else ""
    return (
        f"## Mean over seeds, baselines among them\n\n{_table(names, rows)}\n\n"
        f"Seeds {seeds}; the spread is the largest minus the smallest. {errors}. Latency at batch 1, each model alone, "
        f"after all training: Keras models as compiled functions, baselines in numpy.{summed}"
    )


def _rows_section(comparison: dict[str, Any]) -> str:
    return f"## Every run\n\n{_table(list(COLUMNS), comparison['rows'])}"


def _fairness_section(comparison: dict[str, Any]) -> str:
    lines = [f"- {name}: {value}" for name, value in comparison["shared"].items()]
    return (
        "## What all runs share\n\nCompared run by run before this table was made; a difference would have ended the "
        "benchmark.\n\n" + "\n".join(lines) + f"\n\nMade at commit {', '.join(comparison['commit_hashes'])}."
    )


def make_comparison_pictures(comparison: dict[str, Any], records: list[CellRecord]) -> dict[str, Picture]:
    """Show error against latency, error by step of the horizon, and error by seed.

    Args:
        comparison: As for `make_comparison_report`.
        records: Results of the cells.

    Returns:
        `accuracy_latency`, `horizon` and `seeds`. Each model has a colour; the multivariate mode has dashed lines.

    """
    rows, error = comparison["rows"], with_unit("test RMSE", comparison)
    colours = colours_of(row["model_type"] for row in rows)
    return {
        "accuracy_latency": _accuracy_latency_picture(rows, colours, error),
        "horizon": _horizon_picture(records, colours, error),
        "seeds": _seed_picture(rows, error),
    }


def _accuracy_latency_picture(rows: list[Row], colours: dict[str, str], error: str) -> Picture:
    front = pareto_front(rows)
    marks = [Line("Pareto front", [row["p95(ms)"] for row in front], [row["RMSE"] for row in front], ACTUAL, "dot")]
    for model_type, colour in colours.items():
        group = [row for row in rows if row["model_type"] == model_type]
        labels = tuple(f"{model_type}, {row['data_mode']}, seed {row['seed']}" for row in group)
        x, y = ([row[name] for row in group] for name in ("p95(ms)", "RMSE"))
        marks.append(Line(model_type, x, y, colour, "points", labels))
    return Picture("Accuracy against latency", "p95 latency at batch 1 (ms)", error, tuple(marks))


def pareto_front(rows: list[Row]) -> list[Row]:
    """Return the runs that no other run beats in both p95 latency and RMSE, fastest first."""
    front: list[Row] = []
    for row in sorted(rows, key=lambda item: (item["p95(ms)"], item["RMSE"])):
        if not front or row["RMSE"] < front[-1]["RMSE"]:
            front.append(row)
    return front


def _horizon_picture(records: list[CellRecord], colours: dict[str, str], error: str) -> Picture:
    """Show the RMSE by step, mean over seeds, and that of the ridge regression on the same inputs."""
    groups: dict[tuple[str, str], list[CellRecord]] = {}
    for record in records:
        groups.setdefault((record.model_type, record.feature_mode), []).append(record)
    lines = []
    for (model_type, mode), members in groups.items():
        found = [[entry["rmse"] for entry in record.metrics["test"]["model"]["per_horizon"]] for record in members]
        mean = np.array(found, dtype=np.float64).mean(axis=0)
        lines.append(Line(f"{model_type}, {mode}", _steps(len(mean)), mean, colours[model_type], _STYLES[mode]))
    for mode in dict.fromkeys(record.feature_mode for record in records):
        first = next(record for record in records if record.feature_mode == mode)
        lines.append(steps_line(first.metrics["test"]["baselines"]["ridge"], f"ridge, {mode}", ACTUAL, _STYLES[mode]))
    title = "Error by step of the horizon, mean over seeds"
    return Picture(title, "step of the horizon", error, tuple(lines), from_zero=True)


def _steps(count: int) -> list[int]:
    return list(range(1, count + 1))


def _seed_picture(rows: list[Row], error: str) -> Picture:
    bars = []
    for seed, colour in colours_of(str(row["seed"]) for row in rows).items():
        group = [row for row in rows if str(row["seed"]) == seed]
        names = [f"{row['model_type']}, {row['data_mode']}" for row in group]
        bars.append(Bars(f"seed {seed}", names, [row["RMSE"] for row in group], colour))
    return Picture("Error of every seed", "model and inputs", error, tuple(bars), from_zero=True)
