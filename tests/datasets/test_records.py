"""What a record must hold to be read: whatever is edited in it is refused in one line, before anything is computed."""

import copy
import functools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets import BytesDataset, FilesDataset, JSONDataset
from spline_lstm.datasets.records import EdgeGate, Index, Meta, RunRecord, TrainingHistory, check_record
from spline_lstm.datasets.score_records import Comparison, Metrics
from spline_lstm.errors import ArtifactDamagedError, Failure
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.preprocessor_file import load_preprocessor
from spline_lstm.spec import Spec

DIGEST = "0" * 64
CHOICE = {"chosen": "last", "decided_on": "validation"}
SCORES = {"mae": 1.0, "mse": 2.0, "rmse": 1.4, "robust_mape": 9.0, "mase": None, "r2": 0.5}
FORECASTS = {"overall": {**SCORES, "coverage_80": 0.7}, "per_target": {"load": SCORES}, "per_horizon": [SCORES]}
RECORDS: dict[type[Spec], dict[str, Any]] = {
    RunRecord: {
        "run_id": "trained", "processed_run_id": "shared", "seed": 1, "sha256": {"model.keras": DIGEST},
        "settings": {
            "run_id": "trained", "processed_run_id": "shared", "model_type": "gru", "feature_mode": "univariate",
        },
        "processed_sha256": {"preprocessor.pkl": DIGEST}, "size_bytes": 1, "params": 1, "train_seconds": 0.5,
    },
    TrainingHistory: {
        "history": [{"epoch": 0, "loss": None, "val_loss": 1.0}], "best_epoch": 1, "params": 1, "train_seconds": 0.5,
    },
    EdgeGate: {
        "run_id": "trained", "model_type": "gru", "feature_mode": "univariate", "f_total": 1,
        "files": {
            "model.onnx": {
                "format": "onnx", "precision": "fp32", "verdict": "PASS", "reason": "",
                "criteria": [{"name": "p95", "found": 1.0, "limit": 30.0, "unit": "ms", "passed": True}],
                "size_bytes": 1, "latency_p50_ms": 0.5, "latency_p95_ms": 0.6,
            }
        },
    },
    Intervals: {
        "run_id": "trained", "processed_run_id": "shared", "model_sha256": DIGEST, "interval_method": "adaptive",
        "windows": 40, "half_life": 24, "levels": [0.8], "quantiles": [0.5], "probabilities": [0.1, 0.5, 0.9],
        "targets": {
            "load": {
                "nonnegative": False, "pooled": [1.0, 2.0], "multiples": [[-1.5, -1.0], [0.0, 0.1], [1.5, 1.0]],
                "series": {"a": {"mean": [1.0, 2.0], "count": [3, 4]}},
            }
        },
    },
    Index: {"files": {"model.onnx": DIGEST}},
    Metrics: {
        "run_id": "trained", "processed_run_id": "shared", "model_sha256": DIGEST, "season": 24,
        "units": {"load": "MW"}, "val": {"windows": 9, "model": FORECASTS, "baselines": {"ridge": FORECASTS}},
        "test": {
            "windows": 9, "model": FORECASTS, "baselines": {"ridge": FORECASTS},
            "blocks": {"shape": [1, 2, 1], "steps": 24, "counts": [1.0, 2.0], "squared_errors": {"model": [0.5, 0.6]}},
        },
        "intervals": [{
            "level": 0.8, "coverage": 0.7, "mean_width": 1.5, "winkler": 2.0,
            "over_time": [{"from": "2024-01-01", "coverage": 0.7}],
        }],
    },
    Comparison: {
        "units": {"load": "MW"}, "rows": [{"model_type": "gru", "data_mode": "univariate", "notes": ""}],
        "summary": [{
            "model_type": "gru", "data_mode": "univariate", "RMSE": 1.5, "RMSE spread": 0.5, "typical RMSE": 1.5,
            "typical val RMSE": 1.5, "loses_to_ridge": False,
        }],
    },
}  # fmt: skip
"""What each record needs, and nothing beside it."""

EDITS: dict[str, Any] = {
    "null": None, "a list": [], "an object": {}, "text": "x", "true": True, "infinite": float("inf"),
    "NaN": float("nan"), "nested": [[[[[]]]]], "1e999": float("1e999"),
}  # fmt: skip
NULLABLE = {
    "settings.processed_run_id", "history.0.loss", "history.0.val_loss", "files.model.onnx.reason",
    "files.model.onnx.criteria.0.found", "half_life",
    *(f"targets.load.multiples.{row}.{step}" for row in (0, 2) for step in (0, 1)),
    "units.load", "test.blocks", "intervals.0.over_time.0.coverage",
    *(f"intervals.0.{name}" for name in ("coverage", "mean_width", "winkler")),
    *(
        f"{part}.{of}.{where}.{name}"
        for part in ("val", "test")
        for of in ("model", "baselines.ridge")
        for where in ("overall", "per_target.load", "per_horizon.0")
        for name in (*SCORES, "coverage_80")
    ),
}  # fmt: skip
"""What may be empty."""


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside a record."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*path, name)
        yield from paths_of(part, (*path, name))


def found_at(record: Any, path: tuple[Any, ...]) -> Any:
    """Return what is at a path."""
    return functools.reduce(lambda value, name: value[name], path, record)


def edited(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a record with another value at a path."""
    copied = copy.deepcopy(record)
    found_at(copied, path[:-1])[path[-1]] = value
    return copied


def without(record: Any, path: tuple[Any, ...]) -> Any:
    """Return a copy of a record that lacks what is at a path."""
    copied = copy.deepcopy(record)
    del found_at(copied, path[:-1])[path[-1]]
    return copied


def named(record: Any) -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """Yield every edit of a record that changes the kind of a value: its name, the path, the new value."""
    for path in paths_of(record):
        found = found_at(record, path)
        name = ".".join(map(str, path))
        for label, value in EDITS.items():
            kinds = {type(value), type(found)}
            same = len(kinds) == 1 and label not in ("infinite", "NaN", "1e999", "nested")
            if not same and not (value is None and name in NULLABLE):
                yield f"{name}: {label}", path, value


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_as_it_is_written_is_accepted(kind: type[Spec]) -> None:
    check_record(RECORDS[kind], kind, "record.json", None)
    check_record(RECORDS[kind] | {"of_a_later_version": 1} if kind is not Intervals else RECORDS[kind], kind, "", None)


@pytest.mark.parametrize("kind", RECORDS)
def test_a_value_of_another_kind_is_refused_wherever_it_is(kind: type[Spec], refuses: Any) -> None:
    for _, path, value in named(RECORDS[kind]):
        with refuses(ArtifactDamagedError, 21, "record.json (make it again with: kedro run): "):
            check_record(edited(RECORDS[kind], path, value), kind, "record.json", "kedro run")


@pytest.mark.parametrize("kind", [kind for kind in RECORDS if kind is not Index])
def test_a_key_that_is_missing_is_named(kind: type[Spec], refuses: Any) -> None:
    for name in RECORDS[kind]:
        with refuses(ArtifactDamagedError, 21, f"key '{name}' is missing"):
            check_record(without(RECORDS[kind], (name,)), kind, "record.json", None)


WRONG: dict[str, tuple[type[Spec], tuple[Any, ...], Any]] = {
    "an id with parts of a path": (RunRecord, ("run_id",), "../../other"),
    "an id that is a folder above": (RunRecord, ("processed_run_id",), ".."),
    "an id with a control character": (RunRecord, ("run_id",), "a\x1b[2J"),
    "a hash that is none": (RunRecord, ("sha256", "model.keras"), "abc"),
    "no hash of the model": (RunRecord, ("sha256",), {"last.keras": DIGEST}),
    "a negative size": (RunRecord, ("size_bytes",), -1),
    "an integer of many digits": (RunRecord, ("params",), 10**5_000),
    "a name outside the folder": (Index, ("files",), {"../model.onnx": DIGEST}),
    "the folder above": (Index, ("files",), {"..": DIGEST}),
    "a name with a null": (Index, ("files",), {"a\0": DIGEST}),
    "negative pooled errors": (Intervals, ("targets", "load", "pooled"), [1.0, -2.0]),
    "negative running errors": (Intervals, ("targets", "load", "series", "a", "mean"), [-1.0, 2.0]),
    "no errors counted": (Intervals, ("targets", "load", "series", "a", "count"), [0, 1]),
    "a lower bound above the upper": (Intervals, ("targets", "load", "multiples", 0), [9.0, 9.0]),
    "an unknown middle": (Intervals, ("targets", "load", "multiples", 1), [None, 0.1]),
    "too few steps": (Intervals, ("targets", "load", "pooled"), [1.0]),
    "too many steps of a series": (Intervals, ("targets", "load", "series", "a", "mean"), [1.0, 2.0, 3.0]),
    "errors of any size": (Intervals, ("targets", "load", "multiples", 2), [1e300, 1e300]),
    "a level of more than all": (Intervals, ("levels",), [1.5]),
    "half lives of for ever": (Intervals, ("half_life",), 10**18),
    "a verdict against its criteria": (EdgeGate, ("files", "model.onnx", "criteria", 0, "passed"), False),
    "a judged file without a size": (EdgeGate, ("files", "model.onnx", "size_bytes"), None),
    "fewer squared errors than blocks": (Metrics, ("test", "blocks", "counts"), [1.0]),
    "a level that is none": (Metrics, ("intervals", 0, "level"), 1.0),
    "a part without windows": (Metrics, ("test", "windows"), 0),
    "a negative learning rate": (TrainingHistory, ("schedule",), [-1e-3]),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_value_that_no_run_writes_is_refused(wrong: str, refuses: Any) -> None:
    kind, path, value = WRONG[wrong]
    with refuses(ArtifactDamagedError, 21, "record.json"):
        check_record(edited(RECORDS[kind], path, value), kind, "record.json", None)


CONTENTS = {
    "1e999": (b'{"a": 1e999}', "is too large a number"),
    "many digits": (b'{"a": ' + b"9" * 6_000 + b"}", "an integer of 6,000 digits is too large a number"),
    "nesting": (b"[" * 40 + b"]" * 40, "it is nested too deeply"),
    "deep nesting": (b"[" * 100_000, "it is nested too deeply"),
    "NaN": (b"[NaN]", "NaN is not valid JSON"),
    "not UTF-8": (b'"\xff"', "damaged"),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_json_that_no_run_writes_is_refused(content: str, tmp_path: Path, refuses_load: Any) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(CONTENTS[content][0])
    with refuses_load(ArtifactDamagedError, 21, "record.json is damaged", CONTENTS[content][1]):
        JSONDataset(filepath=str(path)).load()


def test_a_dataset_checks_the_record_that_it_holds(tmp_path: Path, refuses_load: Any) -> None:
    path = tmp_path / "run.json"
    path.write_text("[]")
    with refuses_load(ArtifactDamagedError, 21, "run.json (make it again with: kedro run)"):
        JSONDataset(filepath=str(path), holds="run", made_by="kedro run").load()


@pytest.mark.parametrize("index", [[], {"../a": DIGEST}, {"": DIGEST}, {"a": 1}, {"a": "../"}])
def test_an_index_that_names_no_files_of_its_folder_is_refused(index: Any, tmp_path: Path, refuses_load: Any) -> None:
    (tmp_path / "index.json").write_text(json.dumps(index))
    with refuses_load(ArtifactDamagedError, 21, "index.json"):
        FilesDataset(filepath=str(tmp_path)).load()


FAILED = [[], {}, {"message": "m", "exit_code": 0}, {"message": 1, "exit_code": 30}, {"message": "m"}, "x"]


@pytest.mark.parametrize("failed", FAILED)
def test_a_failure_that_no_cell_left_is_refused(failed: Any, tmp_path: Path, refuses_load: Any) -> None:
    (tmp_path / "model.keras.failed").write_text(json.dumps(failed))
    with refuses_load(ArtifactDamagedError, 21, "model.keras.failed (remove it and run the step again)"):
        BytesDataset(filepath=str(tmp_path / "model.keras")).load()


def test_a_failure_is_read_as_it_was_left(tmp_path: Path) -> None:
    dataset = BytesDataset(filepath=str(tmp_path / "model.keras"))
    dataset.save(Failure("it diverged", 30))
    assert dataset.load() == Failure("it diverged", 30)


def shared_parts(depth: int) -> list[Any]:
    """Lists of ten references to the next, which unfold to `10 ** depth` parts."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner] * 10
    return inner


PICKLES: dict[str, tuple[Any, str]] = {
    "shared parts": ({"scalers": shared_parts(30)}, "it unfolds to far more than its own size"),
    "deep nesting": ({"a": json.loads("[" * 50 + "]" * 50)}, "it is nested too deeply"),
    "a long integer": ({"a": 10**5_000}, "it holds too large an integer"),
    "infinity": ({"a": float("inf")}, "it holds inf"),
    "bytes": ({"a": b"x"}, "it holds a bytes"),
    "a list": ([1], "holds a list, not a dict"),
}


@pytest.mark.parametrize("name", PICKLES)
def test_a_pickle_that_no_preprocessing_writes_is_refused(name: str, refuses: Any) -> None:
    value, message = PICKLES[name]
    with refuses(ArtifactDamagedError, 21, "preprocessor.pkl", message):
        load_preprocessor(pickle.dumps(value), "preprocessor.pkl")


@pytest.fixture(scope="module")
def prepared(prepare_table: Any, make_table: Any) -> Any:
    return prepare_table(make_table(), feature_mode="multivariate", static_covariates=["station"])


LOOSE = {
    "spline", "schema_version", "absent_rows", "trimmed_rows", "missing_ratio", "dropped_windows", "stride",
    "feature_names", "absent_covariates",
}  # fmt: skip
"""What is written for people, and not read."""
EMPTY = {
    "timestamp_col", "timestamp_format", "freq", "time_format", "target_range", "has_offsets", "past_ages", "scaler",
    "encoding", "source_sha256", "lookback_span",
}  # fmt: skip
"""What may be empty."""


def test_a_preprocessor_and_meta_with_a_value_of_another_kind_are_refused(prepared: Any) -> None:
    meta = prepared.meta | {"sha256": {"processed.npz": DIGEST, "preprocessor.pkl": DIGEST}}
    accepted = []
    for kind, record in ((Preprocessor, prepared.preprocessor), (Meta, meta)):
        check_record(record, kind, "record", None)
        for name, path, value in named(record):
            # Names may be joined, as on a command line; what is empty may be named.
            text = value == "x" and isinstance(found_at(record, path), list | None)
            if text or set(path) & LOOSE or (value is None and path[-1] in EMPTY):
                continue
            try:
                check_record(edited(record, path, value), kind, "record", None)
                accepted.append(f"{kind.__name__} {name}")
            except ArtifactDamagedError:
                continue
    assert accepted == []


FORGED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "no scaler of a covariate": (("scalers",), {"target": {"kind": "standard", "center": 0.0, "scale": 1.0}}),
    "a scale of zero": (("scalers", "target", "scale"), 0.0),
    "a negative scale": (("scalers", "target", "scale"), -1.0),
    "ranks in place of a scale": (("scalers", "target"), {"kind": "ordinal", "categories": ["a"]}),
    "a shorter code": (("static_codes", "station", "EWR"), [1.0]),
    "no codes": (("static_codes",), {}),
    "nothing known ahead": (("known_ahead",), []),
    "a step that is none": (("freq",), "fortnight"),
    "a range for no target": (("target_range",), []),
    "means of no feature": (("mean_ranges",), {"none": [0.0, 1.0]}),
    "means upside down": (("mean_ranges", "target"), [1.0, -1.0]),
    "a range upside down": (("target_range",), [[1.0, -1.0]]),
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_preprocessor_that_no_run_writes_is_refused(forged: str, prepared: Any, refuses: Any) -> None:
    path, value = FORGED[forged]
    with refuses(ArtifactDamagedError, 21, "preprocessor.pkl"):
        check_record(edited(prepared.preprocessor, path, value), Preprocessor, "preprocessor.pkl", None)
