"""Datasets of one file, and of a folder of files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest
from kedro.io.core import DatasetError

from spline_lstm.datasets.address import place_at
from spline_lstm.datasets.files import (
    BytesDataset,
    CSVDataset,
    FilesDataset,
    JSONDataset,
    ParquetDataset,
    PlotlyDataset,
    TextDataset,
)
from spline_lstm.datasets.storage import remove
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError, Failure, StorageError, TrainingDivergedError

VALUES: dict[type[Any], Any] = {
    BytesDataset: b"\x00\xff",
    TextDataset: "RMSE 3 °F\n",
    JSONDataset: {"rmse": 1.5, "unit": "°F", "r2": None},
    ParquetDataset: pd.DataFrame({"step": [1, 2], "y_pred": [0.5, -1.0]}),
    CSVDataset: pd.DataFrame({"run_id": ["a", "b"], "RMSE": [0.5, 1.25]}),
    PlotlyDataset: go.Figure(go.Scatter(x=[1, 2], y=[3, 4])),
    FilesDataset: {"one.onnx": b"one", "two.tflite": b"two"},
}
DATASETS = pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)


def same(one: Any, other: Any) -> bool:
    return one.equals(other) if isinstance(one, pd.DataFrame) else bool(one == other)


@DATASETS
def test_a_value_is_read_as_it_was_written(kind: type[Any], anywhere: str) -> None:
    dataset = kind(filepath=f"{anywhere}/file")
    dataset.save(VALUES[kind])
    assert same(dataset.load(), VALUES[kind])


@DATASETS
def test_it_exists_once_it_is_written(kind: type[Any], anywhere: str) -> None:
    dataset = kind(filepath=f"{anywhere}/file")
    before = dataset.exists()
    dataset.save(VALUES[kind])
    assert (before, dataset.exists()) == (False, True)


@DATASETS
def test_a_missing_file_names_the_command_that_makes_it(kind: type[Any], anywhere: str, refuses_load: Any) -> None:
    dataset = kind(filepath=f"{anywhere}/file", made_by="kedro run --pipeline=modelling")
    with refuses_load(ArtifactMissingError, 20, "is missing; make it with: kedro run --pipeline=modelling"):
        dataset.load()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (TextDataset, b"\xff\xfe"),
        (JSONDataset, b""),
        (JSONDataset, b'{"rmse": 1.5'),
        (JSONDataset, b'{"rmse": NaN}'),
        (JSONDataset, b"[" * 100_000),
        (JSONDataset, b'"\xff"'),
        (CSVDataset, b""),
        (CSVDataset, b'"'),
        (PlotlyDataset, b"{"),
        (PlotlyDataset, b'{"data": 5}'),
        (PlotlyDataset, b'{"nothing": []}'),
        (ParquetDataset, b""),
        (ParquetDataset, b"PAR1 garbage PAR1"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:20]),
)
def test_a_damaged_file_is_refused(kind: type[Any], content: bytes, tmp_path: Path, refuses_load: Any) -> None:
    (tmp_path / "file").write_bytes(content)
    with refuses_load(ArtifactDamagedError, 21, "file is damaged: "):
        kind(filepath=str(tmp_path / "file")).load()


def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, refuses_load: Any) -> None:
    (tmp_path / "file").write_bytes(b'{"rmse": NaN}')
    with refuses_load(ArtifactDamagedError, 21, "file is damaged: NaN is not valid JSON; run the step again"):
        JSONDataset(filepath=str(tmp_path / "file")).load()


def test_a_json_value_is_written_for_people_to_read(tmp_path: Path) -> None:
    JSONDataset(filepath=str(tmp_path / "file")).save({"unit": "°F"})
    assert (tmp_path / "file").read_text(encoding="utf-8") == '{\n  "unit": "°F"\n}\n'


@pytest.mark.parametrize("kind", [ParquetDataset, CSVDataset])
def test_a_table_is_written_without_the_numbers_of_its_rows(kind: type[Any], tmp_path: Path) -> None:
    dataset = kind(filepath=str(tmp_path / "file"))
    dataset.save(pd.DataFrame({"step": [1, 2, 3]}).iloc[1:])
    pd.testing.assert_frame_equal(dataset.load(), pd.DataFrame({"step": [2, 3]}))


@pytest.mark.parametrize("kind", [ParquetDataset, CSVDataset])
def test_the_preview_of_a_table_has_forty_rows(kind: type[Any], tmp_path: Path) -> None:
    dataset = kind(filepath=str(tmp_path / "file"))
    dataset.save(pd.DataFrame({"step": range(50)}))
    assert len(dataset.preview()["data"]) == 40


@pytest.mark.parametrize("share", range(25))
def test_a_truncated_table_is_refused(share: int, tmp_path: Path, refuses_load: Any) -> None:
    dataset = ParquetDataset(filepath=str(tmp_path / "file"))
    dataset.save(VALUES[ParquetDataset])
    content = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(content[: len(content) * share // 25])
    with refuses_load(ArtifactDamagedError, 21, "file is damaged: "):
        dataset.load()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}], ids=str)
def test_a_value_that_cannot_be_written_leaves_the_previous_file_and_no_litter(value: Any, tmp_path: Path) -> None:
    dataset = JSONDataset(filepath=str(tmp_path / "file"))
    dataset.save({"rmse": 1})
    with pytest.raises(Exception, match="JSON"):
        dataset.save({"rmse": value})
    assert dataset.load() == {"rmse": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@DATASETS
def test_its_preview_is_the_same_in_a_bucket(kind: type[Any], tmp_path: Path, bucket: str) -> None:
    on_machine, in_bucket = (kind(filepath=f"{folder}/file.md") for folder in (tmp_path, bucket))
    for dataset in (on_machine, in_bucket):
        dataset.save(VALUES[kind])
    assert in_bucket.preview() == on_machine.preview()


@DATASETS
def test_it_says_what_it_writes(kind: type[Any], tmp_path: Path) -> None:
    dataset = kind(filepath=str(tmp_path / "file"))
    assert dataset.place == tmp_path / "file"
    assert dataset._describe() == {"filepath": str(tmp_path / "file")}


def test_a_csv_table_has_its_first_rows_as_preview(tmp_path: Path) -> None:
    dataset = CSVDataset(filepath=str(tmp_path / "comparison.csv"))
    dataset.save(VALUES[CSVDataset])
    assert dataset.preview(1)["data"] == [["a", 0.5]]


def test_a_figure_has_its_traces_as_preview(tmp_path: Path) -> None:
    dataset = PlotlyDataset(filepath=str(tmp_path / "plot.json"))
    dataset.save(VALUES[PlotlyDataset])
    assert dataset.preview()["data"][0]["y"] == [3, 4]


def test_a_damaged_failure_is_refused(tmp_path: Path, refuses_load: Any) -> None:
    (tmp_path / "metrics.json.failed").write_text("")
    with refuses_load(ArtifactDamagedError, 21, "metrics.json.failed is damaged"):
        JSONDataset(filepath=str(tmp_path / "metrics.json")).load()


def test_what_a_killed_save_left_in_the_folder_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / "left.onnx").write_bytes(b"left")
    (tmp_path / "folder").mkdir()
    FilesDataset(filepath=str(tmp_path)).save({"one.onnx": b"one"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "index.json", "one.onnx"]


def test_what_cannot_be_removed_is_refused(tmp_path: Path, refuses: Any) -> None:
    with refuses(StorageError, 60, "cannot be removed: Is a directory"):
        remove(tmp_path)


def test_a_json_value_has_its_text_as_preview(tmp_path: Path) -> None:
    dataset = JSONDataset(filepath=str(tmp_path / "file"))
    dataset.save({"rmse": 1.5})
    assert json.loads(dataset.preview()) == {"rmse": 1.5}


def test_a_table_has_its_first_rows_as_preview(tmp_path: Path) -> None:
    dataset = ParquetDataset(filepath=str(tmp_path / "file"))
    dataset.save(VALUES[ParquetDataset])
    assert dataset.preview(nrows=1) == {"columns": ["step", "y_pred"], "index": [0], "data": [[1, 0.5]]}


def test_an_altered_file_among_several_is_refused(anywhere: str, refuses_load: Any) -> None:
    dataset = FilesDataset(filepath=anywhere)
    dataset.save(VALUES[FilesDataset])
    (place_at(anywhere) / "two.tflite").write_bytes(b"twp")
    with refuses_load(ArtifactDamagedError, 21, "two.tflite is not the file that was written"):
        dataset.load()


@pytest.mark.parametrize(("made_by", "hint"), [(None, ""), ("kedro run", "; make it with: kedro run")])
def test_an_altered_file_names_the_command_that_makes_it_where_there_is_one(
    made_by: str | None, hint: str, tmp_path: Path
) -> None:
    dataset = FilesDataset(filepath=str(tmp_path), made_by=made_by)
    dataset.save(VALUES[FilesDataset])
    (tmp_path / "two.tflite").write_bytes(b"twp")
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, ArtifactDamagedError)
    assert caught.value.__cause__.message.endswith(f"two.tflite is not the file that was written{hint}")


def test_files_of_an_earlier_save_go(tmp_path: Path) -> None:
    dataset = FilesDataset(filepath=str(tmp_path))
    dataset.save(VALUES[FilesDataset])
    dataset.save({"one.onnx": b"other"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.json", "one.onnx"]


def test_files_are_read_as_they_were_written_and_earlier_ones_go(anywhere: str) -> None:
    dataset = FilesDataset(filepath=anywhere)
    dataset.save({"a": b"1", "b": b"2"})
    dataset.save({"b": b"3"})
    assert dataset.load() == {"b": b"3"}
    assert sorted(path.name for path in place_at(anywhere).iterdir()) == ["b", "index.json"]


def test_a_text_that_has_to_contain_something_is_missing_until_it_does(anywhere: str) -> None:
    path = f"{anywhere}/page.html"
    whole, gated = TextDataset(filepath=path), TextDataset(filepath=path, contains="gate")
    assert not gated.exists()
    whole.save("a page")
    assert (whole.exists(), gated.exists()) == (True, False)
    gated.save("a page with a gate")
    assert gated.exists()


def test_a_failure_counts_as_missing_and_is_told_to_the_next_step(anywhere: str) -> None:
    dataset = JSONDataset(filepath=f"{anywhere}/metrics.json")
    dataset.save(Failure("the loss is no longer a number", 30))
    assert not dataset.exists()
    dataset.save({"rmse": 2.0})
    dataset.save(Failure("the loss is no longer a number", 30))
    assert not dataset.exists()
    assert type(dataset.load().to_error()) is TrainingDivergedError
    dataset.save({"rmse": 1.0})
    assert dataset.load() == {"rmse": 1.0}
