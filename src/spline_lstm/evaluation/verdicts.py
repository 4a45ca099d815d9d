"""The verdicts of a comparison: the most accurate model, the best on a device, the one to ship."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from spline_lstm.evaluation.comparison import BYTES_PER_MB, CellRecord, Row
from spline_lstm.evaluation.differences import Difference, block_errors, draw_difference, typical_rmse
from spline_lstm.spec import Spec, StrictFloat

Weight = Annotated[StrictFloat, Field(ge=0)]


class EdgeWeights(Spec):
    """Weights on a device; the edge winner has the lowest weighted sum."""

    p95: Weight
    size: Weight


class RecommendationWeights(Spec):
    """Weights of the recommendation."""

    accuracy: Weight
    edge: Weight


def make_verdicts(
    summary: list[Row],
    edge_weights: EdgeWeights,
    weights: RecommendationWeights,
    limits: Mapping[str, float] | None = None,
) -> dict[str, dict[str, Any]]:
    """Name the accuracy winner, the edge winner and the recommendation.

    Winners have the best mean over seeds. The recommendation is a choice, so it uses the validation RMSE. Before
    weighting, every figure is divided by the best one, or p95 and size by their limits, if known: far below a limit, a
    smaller file does not help the device. Several targets count by their geometric mean; see
    `differences.typical_rmse`.

    Args:
        summary: Result of `summarise` or `make_file_rows`.
        edge_weights: Weights of p95 and size.
        weights: Weights of accuracy and the edge score.
        limits: Limits of the columns of p95 and size, if known.

    """
    accuracy = min(summary, key=lambda row: row["typical RMSE"])
    edge_scores = _relative_sum(summary, {"p95(ms)": edge_weights.p95, "model_size(MB)": edge_weights.size}, limits)
    edge = summary[int(np.argmin(edge_scores))]
    scored = [{**row, "edge": score} for row, score in zip(summary, edge_scores, strict=True)]
    balance = _relative_sum(
        scored, {"typical val RMSE": weights.accuracy, "edge": weights.edge}, limits and {"edge": 1.0}
    )
    chosen = summary[int(np.argmin(balance))]
    return {
        "accuracy": _name(accuracy),
        "edge": {**_name(edge), "weights": edge_weights.model_dump()},
        "recommendation": {
            **_name(chosen),
            "weights": weights.model_dump(),
            "loses_to_ridge": chosen["loses_to_ridge"],
        },
    }


def make_file_rows(summary: list[Row], gates: list[dict[str, Any]]) -> list[Row]:
    """Return the summary with the latency and size of exported files instead of those of the Keras models.

    Args:
        summary: Result of `summarise`.
        gates: Results of the edge gate for one seed of each model type and feature mode.

    Returns:
        One row, with its `file`, for each format whose first file with 32-bit weights passed. Only these files decide
        about a release, and other files of the format compute the same.

    """
    return [
        {**row, "file": name, "p95(ms)": item["latency_p95_ms"], "model_size(MB)": item["size_bytes"] / BYTES_PER_MB}
        for gate in gates
        for row in summary
        if (row["model_type"], row["data_mode"]) == (gate["model_type"], gate["feature_mode"])
        for name, item in _first_of_formats(gate["files"])
        if item["verdict"] == "PASS"
    ]


def _first_of_formats(files: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the first file with 32-bit weights of each format."""
    first: dict[str, tuple[str, Any]] = {}
    for name, item in files.items():
        if item["precision"] == "fp32":
            first.setdefault(item["format"], (name, item))
    return list(first.values())


def find_level(records: list[CellRecord], winner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare the accuracy winner with every other model and mode, and with ridge, over all seeds together.

    Returns:
        For each of the others `model_type`, `data_mode`, the `ratio` of the winner's RMSE to its own, the ends `low`
        and `high` of the interval of that ratio on other periods (95 % for all together; None if there is too little
        data), and whether both are `level`.

    """
    groups: dict[tuple[str, str], list[tuple[CellRecord, str]]] = {}
    for record in records:
        groups.setdefault((record.model_type, record.feature_mode), []).append((record, "model"))
        groups.setdefault(("ridge", record.feature_mode), [(record, "ridge")])
    name = winner["model_type"], winner["data_mode"]
    best = groups.pop(name)
    found = []
    for (model_type, data_mode), others in groups.items():
        difference = _compare_groups(best, others, len(groups))
        found.append(
            {
                "model_type": model_type,
                "data_mode": data_mode,
                "ratio": difference.ratio,
                "low": difference.low,
                "high": difference.high,
                "level": difference.is_level,
            }
        )
    return found


def _compare_groups(best: list[tuple[CellRecord, str]], others: list[tuple[CellRecord, str]], count: int) -> Difference:
    scores, other_scores = (
        float(np.mean([typical_rmse(_part(record, name)) for record, name in group])) for group in (best, others)
    )
    ratio = scores / max(other_scores, 1e-300)
    tested = [record.metrics["test"].get("blocks") for record, _ in (*best, *others)]
    if any(blocks is None for blocks in tested):  # of an earlier version
        return Difference(ratio)
    errors, other_errors = (
        np.mean([block_errors(record.metrics["test"]["blocks"], name) for record, name in group], axis=0)
        for group in (best, others)
    )
    return draw_difference(ratio, errors, other_errors, tested[0], comparisons=count)


def _part(record: CellRecord, name: str) -> Mapping[str, Any]:
    test = record.metrics["test"]
    scores: Mapping[str, Any] = test["model"] if name == "model" else test["baselines"][name]
    return scores


def row_of(summary: list[Row], verdict: Mapping[str, Any]) -> Row:
    """Return the row of the summary for a verdict."""
    return next(row for row in summary if _name(row).items() <= verdict.items())


def _relative_sum(rows: list[Row], weights: Mapping[str, float], units: Mapping[str, float] | None) -> list[float]:
    """Return the weighted sum of each row's figures, in the given units or relative to the best row."""
    units = {name: min(row[name] for row in rows) for name in weights} | dict(units or {})
    return [sum(weight * row[name] / max(units[name], 1e-12) for name, weight in weights.items()) for row in rows]


def _name(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in ("model_type", "data_mode", "file") if key in row}
