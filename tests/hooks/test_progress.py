"""What is told of many models while they are trained."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from spline_lstm.hooks import progress
from spline_lstm.hooks.progress import ProgressHooks
from spline_lstm.pipelines.plan import Cell, Plan, current_plan, set_current_plan
from spline_lstm.pipelines.wrapping import logging_as

CELLS = tuple(Cell(f"{name}-run", "windows", name, "univariate", 42) for name in ("gru", "lstm", "attention_lstm"))


def pass_on(value: object) -> object:
    return value


def train(run_id: str | None) -> Node:
    return Node(pass_on, "x", f"{run_id}.model" if run_id else "model", name="train_model", namespace=run_id)


@pytest.fixture
def plan() -> Iterator[None]:
    before = current_plan()
    set_current_plan(Plan(CELLS, {}))
    yield
    set_current_plan(before)


@pytest.fixture
def begin(monkeypatch: pytest.MonkeyPatch) -> Callable[[ProgressHooks, str | None], None]:
    """Begin a training; a minute passes with each."""
    clock = iter(range(0, 6_000, 60))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    catalog = DataCatalog({"params:run_id": MemoryDataset("my-run")})
    return lambda hooks, run_id: hooks.before_node_run(train(run_id), catalog)


def test_each_training_of_several_has_its_number_and_later_ones_the_time_left(
    plan: None, begin: Any, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    hooks = ProgressHooks()
    hooks.before_pipeline_run(Pipeline([train(cell.run_id) for cell in CELLS]))
    for cell in CELLS:
        begin(hooks, cell.run_id)
        hooks.after_dataset_saved(f"{cell.run_id}.model", train(cell.run_id))
    assert caplog.messages == [
        "Training 1 of 3: gru, univariate, seed 42",
        "Training 2 of 3: lstm, univariate, seed 42, about 2 minutes left",
        "Training 3 of 3: attention_lstm, univariate, seed 42, about 1 minute left",
    ]


def test_trials_and_folds_are_named_too(begin: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    trial = Node(pass_on, "x", "trials.trial003", name="try_settings_003", namespace="trials")
    hooks = ProgressHooks()
    hooks.before_pipeline_run(Pipeline([train("fold2of4"), trial]))
    begin(hooks, "fold2of4")
    hooks.before_node_run(trial, DataCatalog())
    assert caplog.messages == ["Training 1 of 2: fold2of4", "Training 2 of 2: trial 3"]


def test_a_single_training_names_its_run(begin: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    hooks = ProgressHooks()
    hooks.before_pipeline_run(Pipeline([train(None)]))
    begin(hooks, None)
    own = [record.getMessage() for record in caplog.records if record.name.startswith("spline_lstm.")]
    assert own == ["Training my-run"]  # Kedro may log that it reads the name


def test_processes_that_are_forked_count_together(plan: None) -> None:
    tally = progress._Tally(4)
    with ProcessPoolExecutor(2, get_context("fork"), initializer=begin_in_worker, initargs=(tally,)) as pool:
        assert sorted(pool.map(begin_once, range(4))) == [1, 2, 3, 4]


_tallies: list[Any] = []


def begin_in_worker(tally: Any) -> None:
    _tallies.append(tally)


def begin_once(_: int) -> int:
    return int(_tallies[0].begin()[0])


def test_cells_are_counted_as_their_reports_are_saved_and_not_by_files_of_earlier_runs(
    plan: None, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    caplog.set_level("INFO")
    reports = [Node(pass_on, "x", f"{cell.run_id}.report", name="write", namespace=cell.run_id) for cell in CELLS[:2]]
    hooks = ProgressHooks()
    hooks.before_pipeline_run(Pipeline(reports))
    for node in reports:
        hooks.after_dataset_saved(node.outputs[0], node)
    assert caplog.messages == ["1 of 2 cells done: gru-run", "2 of 2 cells done: lstm-run"]


def test_lines_of_a_repetition_begin_with_its_name_and_those_of_others_do_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    own, other = logging.getLogger("spline_lstm.models"), logging.getLogger("keras")
    with logging_as("gru, univariate, seed 42"):
        own.info("%s", "first")
        other.info("second")
    own.info("third")
    assert caplog.messages == ["gru, univariate, seed 42: first", "second", "third"]
