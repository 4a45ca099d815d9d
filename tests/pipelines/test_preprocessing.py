"""The preprocessing as a Kedro pipeline, in memory."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from spline_lstm.datasets.inputs import TableDataset, TableFiles, WholeTable
from spline_lstm.errors import InsufficientDataError, TableError
from spline_lstm.models.registry import MODELS
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.pipelines.preprocessing import create_pipeline
from spline_lstm.pipelines.preprocessing.nodes import Partition, list_series
from spline_lstm.pipelines.preprocessing.pipeline import preprocess_in_partitions
from spline_lstm.project.parameters import GROUPS
from spline_lstm.series.bundle_format import ARRAYS
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowSpec

SMALL = {"lookback": 6, "horizon": 3}


@pytest.fixture(scope="module")
def run_pipeline(make_parameters: Any, default_schema: Any) -> Callable[..., dict[str, Any]]:
    """Run all nodes; returns what the catalog would write."""

    def run(table: pd.DataFrame, **changes: Any) -> dict[str, Any]:
        parameters = make_parameters(**{**SMALL, **changes})
        given = {f"params:{name}": parameters.part(group) for name, group in GROUPS.items() if name != "run"}
        given |= {
            "params:run": RunSpec(run_id="run", processed_run_id="test", commit_hash=None, settings="{}"),
            "table_files": WholeTable(MemoryDataset(table)),
            "covariate_schema": default_schema,
        }
        results = {name: MemoryDataset() for name in create_pipeline().outputs()}
        catalog = DataCatalog({name: MemoryDataset(value) for name, value in given.items()} | results)
        SequentialRunner().run(create_pipeline(), catalog)
        return {name: catalog.load(name) for name in results}

    return run


def test_the_nodes_are_named_like_their_functions() -> None:
    assert [node.name for node in create_pipeline().nodes] == ["make_model_input"]


def test_the_nodes_of_partitions_are_named_like_their_functions() -> None:
    nodes = [node.name for node in preprocess_in_partitions(2).nodes]
    assert nodes == ["list_series", "part1of2.fill_series", "part2of2.fill_series", "join_series", "window_series"]


def test_each_partition_reads_only_the_files_that_hold_its_series(
    make_table: Any, make_schema: Any, make_parameters: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("EWR", "JFK", "LGA", "SWF")
    for name in names:
        make_table(series=(name,)).to_parquet(tmp_path / f"{name}.parquet")
    files = TableDataset(filepath=str(tmp_path)).files()
    read: list[int] = []
    original = TableFiles.read

    def counted(self: TableFiles, number: int, rows_before: int) -> pd.DataFrame:
        read.append(number)
        return original(self, number, rows_before)

    monkeypatch.setattr(TableFiles, "read", counted)
    parameters, schema = make_parameters(), make_schema()
    specs = [parameters.part(kind) for kind in (TableSpec, FillSpec, WindowSpec)]
    listed = list_series(files, schema, specs[0])
    assert read == [0, 1, 2, 3]
    for number, name in enumerate(names):
        read.clear()
        assert Partition(number, 4).fill_series(files, listed, schema, *specs).grid.series_names == (name,)
        assert read == [number]


def test_a_file_that_changed_after_its_series_were_listed_is_refused(
    make_table: Any, make_schema: Any, make_parameters: Any, tmp_path: Path, refuses: Any
) -> None:
    path = tmp_path / "table.parquet"
    make_table().to_parquet(path)
    files = TableDataset(filepath=str(path)).files()
    parameters, schema = make_parameters(), make_schema()
    specs = [parameters.part(kind) for kind in (TableSpec, FillSpec, WindowSpec)]
    listed = list_series(files, schema, specs[0])
    make_table(seed=5).to_parquet(path)
    with refuses(TableError, 10, "some partitions were made from another state of the table"):
        Partition(0, 2).fill_series(files, listed, schema, *specs)


def test_it_needs_the_table_the_schema_and_parameters() -> None:
    assert create_pipeline().inputs() == {
        "table_files", "covariate_schema", "params:table", "params:fills", "params:windows", "params:run",
    }  # fmt: skip


def test_it_makes_the_model_input_and_the_filled_series_with_a_plot() -> None:
    assert create_pipeline().outputs() == {"model_input", "filled_series", "plot_fills"}


@pytest.mark.parametrize("feature_mode", ["univariate", "multivariate"])
def test_the_model_input_is_that_of_the_functions_behind_the_nodes(
    run_pipeline: Any, make_table: Any, prepare_table: Any, feature_mode: str
) -> None:
    table = make_table(gaps={"target": [8]})
    made: ModelInput = run_pipeline(table, feature_mode=feature_mode)["model_input"]
    expected = prepare_table(table, feature_mode=feature_mode)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))


def test_the_data_is_named_after_the_processed_run(run_pipeline: Any, make_table: Any) -> None:
    made = run_pipeline(make_table())["model_input"]
    assert (made.meta["run_id"], made.preprocessor["run_id"]) == ("test", "test")


def test_meta_names_every_model_type_that_can_be_trained(run_pipeline: Any, make_table: Any) -> None:
    assert run_pipeline(make_table())["model_input"].meta["model_type_candidates"] == list(MODELS)


def test_the_filled_series_show_which_targets_were_filled(run_pipeline: Any, make_table: Any) -> None:
    filled = run_pipeline(make_table(gaps={"target": [8, 9]}))["filled_series"]
    assert filled.loc[filled["target_is_imputed"], "timestamp"].dt.hour.tolist() == [8, 9, 8, 9]
    assert filled["target"].notna().all()


def test_the_raw_table_stays_as_it_is(run_pipeline: Any, make_table: Any) -> None:
    table = make_table(gaps={"target": [8]})
    before = table.copy()
    run_pipeline(table)
    pd.testing.assert_frame_equal(table, before)


def test_a_table_too_short_for_a_window_is_refused(run_pipeline: Any, make_table: Any, refuses: Any) -> None:
    with refuses(InsufficientDataError, 26, "split holds no window of lookback=6 and horizon=3"):
        run_pipeline(make_table(steps=12))


def test_an_optional_covariate_that_is_absent_is_warned_about(
    make_table: Any, make_schema: Any, make_parameters: Any, caplog: pytest.LogCaptureFixture
) -> None:
    optional = {"name": "wind_speed", "dtype": "float", "scaler": "standard", "required": False}
    parameters = make_parameters(feature_mode="multivariate")
    specs = [parameters.part(kind) for kind in (TableSpec, FillSpec, WindowSpec)]
    schema = make_schema(dynamic_covariates=[optional])
    with caplog.at_level(logging.WARNING, "spline_lstm"):
        whole = WholeTable(MemoryDataset(make_table()))
        listed = list_series(whole, schema, specs[0])
        Partition(0, 1).fill_series(whole, listed, schema, *specs)
    assert "The optional covariate 'wind_speed' is not in the table and is left out" in caplog.text


@pytest.mark.parametrize(("stride", "warned"), [(1, False), (5, False), (8, True)])
def test_a_stride_that_skips_phases_of_the_season_is_warned_about(
    run_pipeline: Any, make_table: Any, caplog: pytest.LogCaptureFixture, stride: int, warned: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        run_pipeline(make_table(steps=200), stride=stride)
    expected = "stride=8 shares a factor with the season of 24 steps"
    assert (expected in caplog.text) == warned
    assert ("such as 11" in caplog.text) == warned
