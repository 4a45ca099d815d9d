"""The tables of a forecast: those that are given, else the run's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets import LaterTableDataset, LaterTablesDataset
from spline_lstm.errors import TableError


@pytest.fixture
def later(tmp_path: Path) -> Any:
    """Open the table of run `a`, which was trained on `own.csv`; `other.csv` is that of the parameters."""
    for name in ("own", "other"):
        (tmp_path / f"{name}.csv").write_text(f"timestamp,{name}\n2024-01-01,1\n")
    (tmp_path / "a.json").write_text(json.dumps({"settings": {"input_path": "own.csv"}}))

    def make(*, is_given: bool = False, run_id: str = "a", input_path: str = "other.csv") -> LaterTableDataset:
        entries = {
            "raw_table": {"type": "spline_lstm.datasets.TableDataset", "filepath": str(tmp_path / "other.csv")},
            "run_record": {"type": "spline_lstm.datasets.JSONDataset", "filepath": str(tmp_path / "{run_id}.json")},
        }
        return LaterTableDataset(
            datasets=entries, path=str(tmp_path), input_path=input_path, run_id=run_id, is_given=is_given
        )

    return make


def columns(dataset: LaterTableDataset) -> list[str]:
    return list(dataset.load().columns)


def test_a_run_remembers_its_table(later: Any) -> None:
    assert columns(later()) == ["timestamp", "own"]
    assert later().exists()


def test_a_table_that_the_catalog_names_itself_is_read_as_it_is(later: Any) -> None:
    assert columns(later(input_path="default.csv")) == ["timestamp", "other"]


def test_a_table_on_the_command_line_is_taken_instead(later: Any) -> None:
    assert columns(later(is_given=True)) == ["timestamp", "other"]


@pytest.mark.parametrize("record", [None, "[]", "{}", '{"settings": 1}', '{"settings": {"input_path": 1}}'])
def test_without_a_record_the_parameters_decide(record: str | None, later: Any, tmp_path: Path) -> None:
    if record:
        (tmp_path / "b.json").write_text(record)
    assert columns(later(run_id="b")) == ["timestamp", "other"]


def test_it_is_never_written(later: Any, refuses_load: Any) -> None:
    with refuses_load(TableError, 10, "the table is an input and is not written"):
        later().save("anything")


def tables(folder: Path, pattern: str) -> LaterTablesDataset:
    entry = {"type": "spline_lstm.datasets.TableDataset", "filepath": "another.csv"}
    return LaterTablesDataset(datasets={"raw_table": entry}, path=str(folder), input_path=pattern)


def test_a_pattern_stands_for_its_tables_each_read_when_it_is_asked_for(later: Any, tmp_path: Path) -> None:
    (tmp_path / "zebra.csv").write_text("")
    found = tables(tmp_path, "*.csv").load()
    assert [name.rpartition("-")[0] for name in found] == ["other", "own", "zebra"]
    assert list(list(found.values())[1]().columns) == ["timestamp", "own"]


def test_a_pattern_may_be_one_of_addresses(later: Any, tmp_path: Path) -> None:
    (load,) = tables(Path("/elsewhere"), f"file://{tmp_path}/ow*.csv").load().values()
    assert list(load().columns) == ["timestamp", "own"]


def test_a_pattern_that_fits_nothing_is_refused(tmp_path: Path, refuses_load: Any) -> None:
    with refuses_load(TableError, 10, "none*.csv fits no file; give the path of a table, or a pattern of paths"):
        tables(tmp_path, "none*.csv").load()


def test_tables_are_never_written(tmp_path: Path, refuses_load: Any) -> None:
    with refuses_load(TableError, 10, "the tables are an input and are not written"):
        tables(tmp_path, "*.csv").save("anything")
