"""A runner that gives nodes to the workers of a Dask cluster; the workers share results through storage."""

import asyncio
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from kedro.io import CatalogProtocol, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import AbstractRunner, SequentialRunner
from pluggy import PluginManager

from spline_lstm.errors import Failure, ParameterError, own_error
from spline_lstm.text import examples, first_line, shorten

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10


class DaskRunner(AbstractRunner):
    """Run a pipeline on Dask: on worker processes of this machine, or on a cluster that shares its storage.

    Nodes that share data in memory run on one worker, one after another. All other data is read from and written to
    the catalog. So a worker that dies loses only its current nodes, and another worker runs them again.
    """

    def __init__(self, *, address: str | None = None, workers: int = 2, is_async: bool = False) -> None:
        """Take the address of the cluster, or the size of a local cluster.

        Args:
            address: Address of a scheduler, such as `tcp://10.0.0.1:8786`; without one, a local cluster is started.
            workers: Number of processes of the local cluster.
            is_async: Kedro's option, without effect here.

        Raises:
            ParameterError: `address` is not an address, or `workers` is below one. A run also raises it if Dask is not
                installed or no scheduler answers.

        """
        super().__init__(is_async=is_async)
        if type(workers) is not int or workers < 1:
            raise ParameterError(f"runner parameter 'workers' is {workers!r}; a whole number of at least 1 is needed")
        if address is not None and (not isinstance(address, str) or ":" not in address):
            raise ParameterError(
                f"runner parameter 'address' is {shorten(address)}; the address of a scheduler is needed, such as "
                "tcp://10.0.0.1:8786"
            )
        self._address = address
        self._workers = workers

    def _get_executor(self, max_workers: int) -> None:
        """Return no pool of processes to Kedro; Dask has its own."""

    def _run(
        self,
        pipeline: Pipeline,
        catalog: CatalogProtocol[Any, Any],
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
    ) -> None:
        """Give every part of the pipeline to a worker as soon as the parts that it depends on are done."""
        hooks: Any = hook_manager  # without hooks, Kedro passes a manager that ignores every call
        parts = split_by_memory(pipeline, catalog)
        waiting = {number: _needs(parts, number) for number in range(len(parts))}
        nodes = {node.name: node for node in pipeline.nodes}
        begun = f"begun-{uuid.uuid4().hex}"
        with self._connect() as client:
            from distributed import as_completed

            def tell_begun(event: tuple[float, str]) -> None:
                node = nodes[event[1]]
                hooks.hook.before_node_run(node=node, catalog=catalog, inputs={}, is_async=False, run_id=run_id)

            client.subscribe_topic(begun, tell_begun)
            running = as_completed()
            numbers: dict[Any, int] = {}

            def start_ready() -> None:
                for number in [number for number, needs in waiting.items() if not needs]:
                    del waiting[number]
                    name = "+".join(node.name for node in parts[number].nodes)
                    future = client.submit(
                        _run_part, parts[number], catalog, run_id, begun, key=f"{name}-{uuid.uuid4().hex}"
                    )
                    numbers[future] = number
                    running.add(future)

            start_ready()
            for future in running:
                failure = future.result()
                if failure is not None:
                    raise failure.to_error()
                done = numbers.pop(future)
                for needs in waiting.values():
                    needs.discard(done)
                _tell_saved(hooks, parts[done])
                start_ready()
        if waiting:
            names = sorted(node.name for number in waiting for node in parts[number].nodes)
            raise ParameterError(
                f"parts of the pipeline wait for each other: {examples(names)}; keep what they share on storage"
            )

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        with ExitStack() as stack:
            # Errors are raised here, once. The worker processes inherit this variable, but not Dask's configuration.
            os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
            try:
                from distributed import Client, LocalCluster
            except ImportError:
                raise ParameterError("the DaskRunner needs Dask: pip install 'spline-lstm[dask]'") from None
            try:
                if self._address:
                    asyncio.run(_ask(self._address))
                cluster = self._address or stack.enter_context(
                    LocalCluster(
                        n_workers=self._workers,
                        threads_per_worker=1,
                        memory_limit=None,
                        dashboard_address="localhost:0",
                        silence_logs=logging.CRITICAL,
                    )
                )
                client = stack.enter_context(Client(cluster, timeout=_PATIENCE_SECONDS))
            except (OSError, ValueError) as error:
                what = f"scheduler answers at '{self._address}'" if self._address else "cluster starts here"
                reason = first_line(error) or type(error).__name__
                raise ParameterError(f"no Dask {what} within {_PATIENCE_SECONDS} s: {reason}") from None
            logger.info("Dask dashboard: %s", client.dashboard_link)
            yield client


async def _ask(address: str) -> None:
    """Check that a scheduler answers: a client would wait for ever for a server that never answers.

    Raises:
        OSError: The scheduler does not answer.

    """
    from distributed.core import rpc

    async with asyncio.timeout(_PATIENCE_SECONDS), rpc(address) as scheduler:
        await scheduler.identity()


def split_by_memory(pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> list[Pipeline]:
    """Split a pipeline into parts that share data only through storage."""
    part_of: dict[Node, int] = {node: number for number, node in enumerate(pipeline.nodes)}
    for name in pipeline.datasets() - pipeline.inputs():
        if isinstance(catalog[name], MemoryDataset):
            joined = {part_of[node] for node in pipeline.nodes if name in node.inputs or name in node.outputs}
            part_of = {node: min(joined) if number in joined else number for node, number in part_of.items()}
    return [
        Pipeline([node for node in pipeline.nodes if part_of[node] == number])
        for number in sorted(set(part_of.values()))
    ]


def _needs(parts: list[Pipeline], number: int) -> set[int]:
    wanted = parts[number].inputs()
    return {other for other, part in enumerate(parts) if other != number and wanted & part.all_outputs()}


def _run_part(part: Pipeline, catalog: CatalogProtocol[Any, Any], run_id: str | None, begun: str) -> Failure | None:
    """Run nodes one after another on a worker; return a failure, because an exception would lose its cause.

    Before the first node begins, all nodes are logged to the topic `begun`.
    """
    from distributed import get_worker

    try:
        for node in part.nodes:
            get_worker().log_event(begun, node.name)
        SequentialRunner().run(part, catalog, run_id=run_id)
    except Exception as error:
        return Failure.of(own_error(error))
    return None


def _tell_saved(hook_manager: PluginManager, part: Pipeline) -> None:
    """Tell the hooks of this process which datasets a worker has saved."""
    for node in part.nodes:
        for name in node.outputs:
            hook_manager.hook.after_dataset_saved(dataset_name=name, data=None, node=node)
