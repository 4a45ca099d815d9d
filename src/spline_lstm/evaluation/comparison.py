"""The fair comparison: the check that cells are comparable, and the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spline_lstm.errors import ComparisonError
from spline_lstm.evaluation.differences import compare, typical_rmse
from spline_lstm.types import DataFrame

COLUMNS = (
    "run_id",
    "model_type",
    "data_mode",
    "seed",
    "MAE",
    "MSE",
    "RMSE",
    "robust MAPE",
    "MASE",
    "R2",
    "p50(ms)",
    "p95(ms)",
    "model_size(MB)",
    "params",
    "notes",
    "train_seconds",
    "val RMSE",
)
BYTES_PER_MB = 1_000_000
_METRICS = {"MAE": "mae", "MSE": "mse", "RMSE": "rmse", "robust MAPE": "robust_mape", "MASE": "mase", "R2": "r2"}
_FLAGGING = ("ridge", "seasonal_naive")

Row = dict[str, Any]


@dataclass(frozen=True)
class CellRecord:
    """The results of one cell.

    Attributes:
        metrics: `metrics.json` of the run.
        run: `run.json` of the run.
        operation: `latency_p50_ms`, `latency_p95_ms`, `stable` and `model_sha256` of its model.

    """

    metrics: dict[str, Any]
    run: dict[str, Any]
    operation: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The cell's run."""
        return str(self.run["run_id"])

    @property
    def model_type(self) -> str:
        """Model type, as recorded by the run."""
        return str(self.run["settings"]["model_type"])

    @property
    def feature_mode(self) -> str:
        """Feature mode, as recorded by the run."""
        return str(self.run["settings"]["feature_mode"])

    @property
    def seed(self) -> int:
        """Seed, as recorded by the run."""
        return int(self.run["seed"])


def check_comparable(records: list[CellRecord], run_ids: list[str]) -> None:
    """Refuse cells that are not comparable.

    All cells must have the same hashes of windows, splits and targets, the same window lengths, epochs, batch size and
    early stopping. Every model type and feature mode must have the same seeds, and a cell's metrics, latency and record
    must come from one model file.

    Args:
        records: Results of the cells.
        run_ids: The run of each cell; artifacts of other runs are refused.

    Raises:
        ComparisonError: Names the cell and the field.

    """
    first = records[0]
    for record, run_id in zip(records, run_ids, strict=True):
        if record.run_id != run_id:
            raise ComparisonError(f"cell '{run_id}' holds the record of run '{record.run_id}'")
        if not record.run.get("shared"):
            raise ComparisonError(
                f"cell '{record.run_id}' was made by an earlier version that did not record what it shares; "
                "remove its run.json and run the benchmark again"
            )
        for field, value in first.run["shared"].items():
            found = record.run["shared"].get(field)
            if found != value:
                raise ComparisonError(
                    f"cell '{record.run_id}' is not comparable: {field} is {_short(found)}, "
                    f"but {_short(value)} in cell '{first.run_id}'"
                )
        if record.metrics["run_id"] != record.run_id:
            raise ComparisonError(f"cell '{record.run_id}': its metrics belong to run '{record.metrics['run_id']}'")
        for name, part in (("metrics", record.metrics), ("latency", record.operation)):
            if part.get("model_sha256") != record.run["sha256"]["model.keras"]:
                raise ComparisonError(
                    f"cell '{record.run_id}': its {name} belong to another model file than its record; "
                    "run the benchmark again without --only-missing-outputs"
                )
    seeds: dict[tuple[str, str], list[int]] = {}
    for record in records:
        seeds.setdefault((record.model_type, record.feature_mode), []).append(record.seed)
    expected = sorted(next(iter(seeds.values())))
    for (model_type, feature_mode), found in seeds.items():
        if sorted(found) != expected:
            raise ComparisonError(
                f"cells of {model_type}, {feature_mode}: seeds are {sorted(found)}, needed {expected}"
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 16 else f"{text[:12]}…"


def make_rows(records: list[CellRecord]) -> list[Row]:
    """Return one row for each cell, in the columns of `COLUMNS`; `notes` names stronger baselines."""
    return [
        {
            "run_id": record.run_id,
            "model_type": record.model_type,
            "data_mode": record.feature_mode,
            "seed": record.seed,
            **_scores(record.metrics, "model"),
            **_operation(record.operation, record.run["size_bytes"], record.run["params"]),
            "notes": "; ".join(_notes(record)),
            "loses_to_ridge": "loses to ridge" in _notes(record),
            "train_seconds": record.run["train_seconds"],
        }
        for record in records
    ]


def make_table(rows: list[Row]) -> DataFrame:
    """Lay out rows as a table with `COLUMNS`."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seed": "Int64"})  # baselines have no parameters


def _mean(values: list[float | None]) -> float | None:
    """Return the mean of the defined values."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _scores(metrics: Mapping[str, Any], name: str) -> Row:
    """Return the test metrics of the model or a baseline, and its typical RMSE on test and on validation."""
    test, val = (
        metrics[split]["model"] if name == "model" else metrics[split]["baselines"][name] for split in ("test", "val")
    )
    return {
        **{column: test["overall"][metric] for column, metric in _METRICS.items()},
        "val RMSE": val["overall"]["rmse"],
        "typical RMSE": typical_rmse(test),
        "typical val RMSE": typical_rmse(val),
    }


def _operation(operation: Mapping[str, Any], size_bytes: int, params: int) -> Row:
    return {
        "p50(ms)": operation["latency_p50_ms"],
        "p95(ms)": operation["latency_p95_ms"],
        "model_size(MB)": size_bytes / BYTES_PER_MB,
        "params": params,
    }


def _notes(record: CellRecord) -> list[str]:
    notes = []
    for name in _FLAGGING:
        difference = compare(record.metrics["test"], name, comparisons=len(_FLAGGING))
        if difference.is_level:
            notes.append(f"level with {name.replace('_', ' ')}")
        elif difference.ratio > 1:
            notes.append(f"loses to {name.replace('_', ' ')}")
    return notes if record.operation["stable"] else [*notes, "latency unstable"]


def make_baseline_rows(records: list[CellRecord], operations: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return one row for each baseline and feature mode; naive forecasts do not depend on the mode and get one row.

    Args:
        records: Cells; the first one of each feature mode gives the baselines.
        operations: Baseline, or `ridge <feature mode>`, to latency, `size_bytes` and `params`.

    """
    rows = []
    seen: set[str] = set()
    for record in records:
        for name in record.metrics["test"]["baselines"]:
            key = f"ridge {record.feature_mode}" if name == "ridge" else name
            if key in seen:
                continue
            seen.add(key)
            operation = operations[key]
            rows.append(
                {
                    "run_id": "",
                    "model_type": name,
                    "data_mode": record.feature_mode if name == "ridge" else "univariate",
                    "seed": None,
                    **_scores(record.metrics, name),
                    **_operation(operation, operation["size_bytes"], operation["params"]),
                    "notes": "baseline" if operation["stable"] else "baseline; latency unstable",
                    "train_seconds": operation["train_seconds"],
                }
            )
    return rows


def make_ensemble_rows(records: list[CellRecord], ensembles: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return one row for the mean forecast of all seeds of a model type and feature mode.

    Args:
        records: Cells, the members of the ensembles.
        ensembles: `<model type> <feature mode>` to the result of `evaluate`. A device runs the members one after
            another, so latency, size, parameters and training time are their sums.

    Raises:
        ComparisonError: An ensemble was made from other model files.

    """
    rows = []
    for key, metrics in ensembles.items():
        members = [record for record in records if f"{record.model_type} {record.feature_mode}" == key]
        if metrics["members_sha256"] != [record.run["sha256"]["model.keras"] for record in members]:
            raise ComparisonError(
                f"the ensemble of {key} belongs to other model files than its members' records; "
                "run the benchmark again without --only-missing-outputs"
            )
        operation = {
            name: sum(member.operation[name] for member in members) for name in ("latency_p50_ms", "latency_p95_ms")
        }
        size, params = (sum(member.run[name] for member in members) for name in ("size_bytes", "params"))
        rows.append(
            {
                "run_id": "",
                "model_type": f"{members[0].model_type} ensemble",
                "data_mode": members[0].feature_mode,
                "seed": None,
                **_scores(metrics, "model"),
                **_operation(operation, size, params),
                "notes": f"mean of {len(members)} seeds; cost summed",
                "train_seconds": sum(member.run["train_seconds"] for member in members),
            }
        )
    return rows


def summarise(rows: list[Row]) -> list[Row]:
    """Return the mean and spread (largest minus smallest) over seeds of every model type and feature mode."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["model_type"], row["data_mode"]), []).append(row)
    texts = ("run_id", "model_type", "data_mode", "seed", "notes", "loses_to_ridge")
    numbers = [name for name in rows[0] if name not in texts]
    return [
        {
            "model_type": model_type,
            "data_mode": data_mode,
            "seeds": [row["seed"] for row in group],
            **{name: _mean([row[name] for row in group]) for name in numbers},
            "RMSE spread": float(np.ptp([row["RMSE"] for row in group])),
            "val RMSE spread": float(np.ptp([row["val RMSE"] for row in group])),
            "loses_to_ridge": all(row["loses_to_ridge"] for row in group),
        }
        for (model_type, data_mode), group in groups.items()
    ]
