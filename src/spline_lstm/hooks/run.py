"""Kedro hooks: a run locks its folders; an error keeps its message and its exit code."""

import atexit
import functools
import os
from pathlib import Path
from typing import Any, TypeVar

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol, DatasetError
from kedro.pipeline import Pipeline

from spline_lstm.children import end_with_parent
from spline_lstm.datasets.address import Address, Place
from spline_lstm.datasets.inputs import return_memory
from spline_lstm.datasets.leases import BucketLocks
from spline_lstm.datasets.locks import RunLocks
from spline_lstm.errors import ParameterError, own_error
from spline_lstm.pipelines.plan import current_plan
from spline_lstm.project.places import place_of
from spline_lstm.text import examples

_TAKES = {
    "forecasting": ("run_id", "input_path", "forecast_id", "backend", "strict"),
    "refit": ("run_id", "input_path"),
}
"""Parameters of pipelines that use a finished run; the run has fixed all other parameters."""


class ProjectHooks:
    """Lock the places that a run reads and writes, and keep the exit codes of errors."""

    def __init__(self) -> None:
        self._context: Any = None
        self._locks, self._bucket_locks = RunLocks(), BucketLocks()
        # Kedro calls no hook when a run is stopped.
        atexit.register(self._release)

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Keep the context, which holds the catalog's entries."""
        self._context = context

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Lock the run's outputs against all other processes, and its inputs against writers.

        Raises:
            ParameterError: A pipeline would ignore a given parameter, cells would share a file, or a backtest has no
                folds.
            ArtifactMissingError: The run that a backtest repeats is missing.
            RunLockedError: Another process uses an output or writes an input.
            StorageError: The storage is full, read-only or cannot be reached.

        """
        _check_taken(run_params)
        if "fold_cuts" in pipeline.all_outputs():
            _check_backtest(catalog)
        _end_workers_with_the_run()
        if self._context is not None:
            self._context.check_places(pipeline.all_outputs())
        written, read = (
            {place for name in names if name in catalog and (place := place_of(catalog[name])) is not None}
            for names in (pipeline.all_outputs(), pipeline.inputs())
        )
        self._lock(Path(run_params["project_path"]) / "data", written, read)

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Release all locks."""
        self._release()

    @hook_impl
    def before_node_run(self) -> None:
        """Return unused memory to the system.

        Raises:
            RunLockedError: Another process has taken this run's lease.

        """
        self._bucket_locks.check_held()
        return_memory()

    @hook_impl
    def before_dataset_saved(self) -> None:
        """Refuse to write a file that another process may be writing.

        Raises:
            RunLockedError: Another process has taken this run's lease while the node ran.

        """
        self._bucket_locks.check_held()

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise the project's error that Kedro wrapped, so that its exit code is kept."""
        self._release()
        own = own_error(error)
        raise own from own.__cause__

    def _lock(self, data: Path, written: set[Place], read: set[Place]) -> None:
        """Lock files on this machine with `RunLocks`, and those in buckets with `BucketLocks`."""
        self._locks.take(data, written=_of_kind(Path, written), read=_of_kind(Path, read))
        try:
            self._bucket_locks.take(written=_of_kind(Address, written), read=_of_kind(Address, read))
        except BaseException:
            self._locks.release()
            raise

    def _release(self) -> None:
        self._locks.release()
        self._bucket_locks.release()


_KindOfPlace = TypeVar("_KindOfPlace", Path, Address)


def _of_kind(kind: type[_KindOfPlace], places: set[Place]) -> set[_KindOfPlace]:
    return {place for place in places if isinstance(place, kind)}


def _check_taken(run_params: dict[str, Any]) -> None:
    """Refuse parameters that the run named by `run_id` has fixed; without a `run_id`, parameters identify the run."""
    given, names = run_params.get("runtime_params") or {}, run_params.get("pipeline_names") or []
    if len(names) != 1 or names[0] not in _TAKES or "run_id" not in given:
        return
    takes = _TAKES[names[0]]
    ignored = [name for name in given if name not in takes]
    if ignored:
        raise ParameterError(
            f"{names[0]} takes {', '.join(takes[:-1])} and {takes[-1]}; '{given['run_id']}' decides on all else, so "
            f"leave out: {examples(ignored)}"
        )


def _check_backtest(catalog: CatalogProtocol[Any, Any]) -> None:
    """Refuse a backtest without folds or without its run, before the folds train."""
    if not current_plan().folds:
        raise ParameterError("the backtest has no folds; say how many: --params backtest.folds=4")
    try:
        catalog.load("metrics")
    except DatasetError as error:  # Kedro wraps the refusal
        raise own_error(error) from None


@functools.cache
def _end_workers_with_the_run() -> None:
    """Let every process that is forked from now on end soon after its parent, which holds the locks.

    This is set at the fork: Kedro calls no hook in a worker that never gets a node, and it would wait for ever.
    """
    os.register_at_fork(after_in_child=lambda: end_with_parent(os.getppid()))
