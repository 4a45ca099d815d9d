"""Kedro hooks: a run locks its folders; an error keeps its line and its exit code; progress over cells."""

import atexit
import functools
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from spline_lstm.datasets.locks import FolderLocks
from spline_lstm.errors import ParameterError, ProjectBugError, own_error
from spline_lstm.project.plan import current_matrix
from spline_lstm.text import examples

logger = logging.getLogger(__name__)

_FORECASTING_TAKES = ("run_id", "input_path", "backend")


class ProjectHooks:
    """Lock what a run writes, keep errors' exit codes, and tell how far a benchmark is."""

    def __init__(self) -> None:
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._locks = FolderLocks()
        # A stopped run passes no hook.
        atexit.register(self._locks.release)

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Keep the catalog: finished cells are counted from what lies on disk."""
        self._catalog = catalog

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Lock the folders that the run writes against all others, and those that it reads against writers.

        Raises:
            ParameterError: Forecasting is given a parameter that it would not heed.
            RunLockedError: Another process uses one of them.

        """
        _check_forecasting(run_params)
        data = Path(run_params["project_path"]) / "data"
        written = _folders(catalog, pipeline.all_outputs(), data)
        self._locks.take(data, written=written, read=_folders(catalog, pipeline.inputs(), data))

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Release the folders."""
        self._locks.release()

    @hook_impl
    def before_node_run(self) -> None:
        """Give memory back, and let a worker of the parallel runner end with the run, which holds its locks."""
        _return_memory()
        parent = multiprocessing.parent_process()
        if parent is not None and parent.pid is not None:
            _end_with(parent.pid)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Tell which cell is finished and how many are, whichever process made them."""
        run_id, _, name = dataset_name.rpartition(".")
        cells = current_matrix().cells
        if name != "report" or not run_id or self._catalog is None:
            return
        done = sum(self._catalog.exists(f"{cell.run_id}.report") for cell in cells)
        logger.info("%d of %d cells done: %s", done, len(cells), run_id)

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise the project's own error from under Kedro's wrapping, so that its exit code is kept."""
        self._locks.release()
        own = own_error(error)
        if not isinstance(own, ProjectBugError):
            raise own from None
        logger.debug("Unexpected failure", exc_info=error)
        raise own from error


def _check_forecasting(run_params: dict[str, Any]) -> None:
    """Refuse what a run that is named has decided already; without its name, parameters say which run is meant."""
    given = run_params.get("runtime_params") or {}
    if run_params.get("pipeline_names") != ["forecasting"] or "run_id" not in given:
        return
    ignored = [name for name in given if name not in _FORECASTING_TAKES]
    if ignored:
        takes = f"{', '.join(_FORECASTING_TAKES[:-1])} and {_FORECASTING_TAKES[-1]}"
        raise ParameterError(
            f"forecasting takes {takes}; '{given['run_id']}' decides on all else, so leave out: {examples(ignored)}"
        )


def _folders(catalog: CatalogProtocol[Any, Any], names: Iterable[str], data: Path) -> set[Path]:
    """Folders below `data` that belong to one id each and hold these datasets."""
    places = [getattr(catalog[name], "place", None) for name in names if name in catalog]
    return {_folder_of_id(place, data) for place in places if place is not None and place.is_relative_to(data)}


def _folder_of_id(place: Path, data: Path) -> Path:
    """`data/<layer>/<id>`, or `data/08_reporting/{benchmarks,tables}/<id>`."""
    parts = place.relative_to(data).parts
    return data.joinpath(*parts[: 3 if parts[1] in ("benchmarks", "tables") else 2])


def _return_memory() -> None:
    """Give back to the system what the node before has let go of."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


@functools.cache
def _end_with(parent: int) -> None:
    """End this process soon after its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
