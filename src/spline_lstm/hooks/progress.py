"""Progress of a run: the model in training, the time left for all models, and the finished cells."""

import logging
import multiprocessing
import time
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from spline_lstm.pipelines.plan import current_plan
from spline_lstm.text import time_left

logger = logging.getLogger(__name__)


class ProgressHooks:
    """Log each model when its training begins, and each cell when it is finished.

    Kedro calls the node hooks in the process that runs the node, often a fork of the process that counted the models.
    """

    def __init__(self) -> None:
        self._trainings, self._cells = _Tally(0), _Tally(0)

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Count the models to train and the cells to finish."""
        self._trainings = _Tally(sum(_trains(node) for node in pipeline.nodes))
        self._cells = _Tally(sum(f"{cell.run_id}.report" in pipeline.all_outputs() for cell in current_plan().cells))

    @hook_impl
    def before_node_run(self, node: Node, catalog: CatalogProtocol[Any, Any]) -> None:
        """Log the model to be trained now and, once one is finished, the time left for all models."""
        if not _trains(node):
            return
        if self._trainings.count < 2:
            logger.info("Training %s", node.namespace or catalog.load("params:run_id"))
            return
        number, left = self._trainings.begin()
        name = _title(node)
        logger.info("Training %d of %d: %s%s", number, self._trainings.count, name, f", {left}" if left else "")

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Count finished models and cells; log each finished cell and their number."""
        if _trains(node) and dataset_name == node.outputs[0]:
            self._trainings.finish()
        run_id, _, name = dataset_name.rpartition(".")
        if name == "report" and run_id in {cell.run_id for cell in current_plan().cells}:
            logger.info("%d of %d cells done: %s", self._cells.finish(), self._cells.count, run_id)


class _Tally:
    """Counts of begun and finished items, in memory that forked processes share."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._begun, self._finished = (multiprocessing.RawValue("i", 0) for _ in range(2))
        self._started = multiprocessing.RawValue("d", 0.0)
        self._lock = multiprocessing.Lock()

    def begin(self) -> tuple[int, str]:
        """Return the number of the item that begins, and the time left if an item is already finished."""
        with self._lock:
            number = self._begun.value = min(
                self._begun.value + 1, self.count
            )  # after a worker's death an item begins twice
            if number == 1:
                self._started.value = time.monotonic()
        if not self._finished.value or number == 1:
            return number, ""
        a_model = (time.monotonic() - self._started.value) / (number - 1)
        return number, time_left(a_model * (self.count - number + 1))

    def finish(self) -> int:
        """Return the number of finished items, this one included."""
        with self._lock:
            self._finished.value += 1
            return int(self._finished.value)


def _trains(node: Node) -> bool:
    return node.name.rpartition(".")[2].startswith(("train_model", "try_settings_"))


def _title(node: Node) -> str:
    """Name a cell by its settings, a trial by its number, and a fold by its namespace."""
    namespace, _, name = node.name.rpartition(".")
    if name.startswith("try_settings_"):
        return f"trial {int(name.removeprefix('try_settings_'))}"
    return next((cell.title for cell in current_plan().cells if cell.run_id == namespace), namespace)
