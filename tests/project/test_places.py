"""Where datasets lie: one entry stands for the run, its cells and its folds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kedro.io import MemoryDataset
from kedro_datasets.text import TextDataset as OtherTextDataset

from spline_lstm.datasets import TextDataset
from spline_lstm.errors import ParameterError
from spline_lstm.pipelines.plan import Cell, Plan
from spline_lstm.project.places import (
    RECORDED,
    Owner,
    check_entries,
    check_own_places,
    find_owners,
    place_datasets,
    place_of,
    places_of,
)

CELL = Cell(run_id="gru-1", processed_run_id="data-1", model_type="gru", feature_mode="univariate", seed=1)
MATRIX = Plan((CELL,), {}, folds=("fold1of2",))
OWNERS = find_owners({"run_id": "mine", "processed_run_id": "data-0"}, MATRIX)
ENTRIES: dict[str, dict[str, Any]] = {
    "raw_table": {"type": "spline_lstm.datasets.TableDataset", "filepath": "table.csv"},
    "model_input": {"type": "spline_lstm.datasets.ModelInputDataset", "filepath": "in/{processed_run_id}"},
    "model": {"type": "spline_lstm.datasets.BytesDataset", "filepath": "out/{run_id}/model", "made_by": "modelling"},
    "edge_gate": {"type": "json.JSONDataset", "filepath": "out/{run_id}/gate", "made_by": "edge_poc"},
    "trained_run": {"type": "spline_lstm.datasets.TrainedRunDataset", "datasets": ["model", "model_input"]},
}


@pytest.fixture(scope="module")
def placed() -> dict[str, dict[str, Any]]:
    return place_datasets(ENTRIES, OWNERS, lambda pipeline: f"kedro run --pipeline={pipeline}")


@pytest.mark.parametrize(
    ("name", "filepath"),
    [
        ("raw_table", "table.csv"),
        ("model_input", "in/data-0"),
        ("model", "out/mine/model"),
        ("data-1.model_input", "in/data-1"),
        ("gru-1.model", "out/gru-1/model"),
        ("fold1of2.model_input", "in/data-0-fold1of2"),
        ("fold1of2.model", "out/mine/fold1of2/model"),
    ],
)
def test_an_entry_has_a_place_for_every_owner_of_an_id(placed: dict[str, Any], name: str, filepath: str) -> None:
    assert placed[name]["filepath"] == filepath


@pytest.mark.parametrize("name", ["another.model", "data-1.model", "gru-1.model_input", "gru-1.raw_table"])
def test_a_namespace_has_only_what_is_its_own(placed: dict[str, Any], name: str) -> None:
    assert name not in placed


@pytest.mark.parametrize(
    ("name", "pipeline"),
    [
        ("model", "modelling"), ("gru-1.model", "benchmarking"), ("fold1of2.model", "backtest"),
        ("edge_gate", "edge_poc"), ("gru-1.edge_gate", "edge_matrix"),
    ],
)  # fmt: skip
def test_the_command_is_that_of_the_pipeline_that_makes_it(placed: dict[str, Any], name: str, pipeline: str) -> None:
    assert placed[name]["made_by"] == f"kedro run --pipeline={pipeline}"


def test_a_command_of_ones_own_stays(placed: dict[str, Any]) -> None:
    entries = {"model": {**ENTRIES["model"], "made_by": "make model"}}
    assert place_datasets(entries, OWNERS, str)["model"]["made_by"] == "make model"


def test_what_reads_other_datasets_gets_their_entries_with_ids_left_open(placed: dict[str, Any]) -> None:
    assert placed["trained_run"]["datasets"] == {name: ENTRIES[name] for name in ("model", "model_input")}


def test_a_record_names_the_place_of_every_artifact() -> None:
    entries = {name: {"filepath": f"{{run_id}}/{name}"} for name in RECORDED} | {"model": {"filepath": "fixed.keras"}}
    places = places_of(entries, OWNERS[""].ids)
    assert (places["model"], places["metrics"]) == ("fixed.keras", "mine/metrics")


def test_the_catalog_of_an_earlier_version_is_refused(refuses: Any) -> None:
    earlier = {name: {"filepath": name} for name in RECORDED if name != "report_page"}
    with refuses(
        ParameterError, 2, "the catalog has no entry 'report_page', so the configuration is of another version"
    ):
        places_of(earlier, OWNERS[""].ids)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("model", {"versioned": True}, "dataset 'model' is versioned; a run has its own place by its run_id"),
        ("model", {"filepath": "s4://bucket/m"}, "dataset 'model' lies at 's4://bucket/m': Protocol not known: s4"),
        (
            "model", {"type": "pickle.PickleDataset"},
            "dataset 'model' is of type 'pickle.PickleDataset'; only spline_lstm.datasets.BytesDataset holds what the",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_no_run_could_use_is_refused(
    refuses: Callable[..., Any], name: str, changes: dict[str, Any], message: str
) -> None:
    with refuses(ParameterError, 2, message):
        check_entries({**ENTRIES, name: ENTRIES[name] | changes})


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("raw_table", {"type": "spline_lstm.datasets.TableDataset", "filepath": "s3://bucket/table.parquet"}),
        ("raw_table", {"type": "pandas.SQLTableDataset", "table_name": "sales"}),
        ("model", {"type": "spline_lstm.datasets.BytesDataset", "filepath": "memory://bucket/m"}),
        ("report", {"type": "text.TextDataset", "filepath": "s3://bucket/{run_id}.md", "versioned": True}),
    ],
)
def test_an_entry_of_ones_own_is_taken(name: str, entry: dict[str, Any]) -> None:
    check_entries({**ENTRIES, name: entry})


def test_cells_that_would_share_a_file_are_refused(refuses: Callable[..., Any]) -> None:
    entries = {"model": {"filepath": "fixed.keras"}}
    with refuses(ParameterError, 2, "dataset 'model' has the same place in every run, 'fixed.keras'", "'gru-1.model'"):
        check_own_places(["model", "gru-1.model"], entries, OWNERS)
    check_own_places(["model", "another.model"], entries, OWNERS)


def test_forecasts_that_would_share_a_file_are_refused(refuses: Callable[..., Any]) -> None:
    entries: dict[str, dict[str, Any]] = {
        "forecasts": {"datasets": ["forecast"]}, "forecast": {"filepath": "{run_id}/{forecast_id}.csv"},
    }  # fmt: skip
    check_own_places(["forecasts"], entries, OWNERS)
    entries["forecast"]["filepath"] = "{run_id}/next.csv"
    with refuses(ParameterError, 2, "dataset 'forecast' has the same place for every table, '{run_id}/next.csv'"):
        check_own_places(["forecasts"], entries, OWNERS)


def test_a_place_is_known_of_the_projects_datasets_and_of_others(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    assert place_of(TextDataset(filepath=str(path))) == path
    assert place_of(OtherTextDataset(filepath=str(path))) == path
    assert place_of(OtherTextDataset(filepath="memory://report.md")) is None
    assert place_of(MemoryDataset()) is None


def test_an_owner_has_no_other_makers_unless_told() -> None:
    assert Owner({"run_id": "mine"}).makers == {}
