"""A progress bar over epochs."""

import logging
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

logger = logging.getLogger(__name__)


@contextmanager
def epoch_progress(
    name: str, epochs: int
) -> Iterator[tuple[Callable[[dict[str, float | None]], None], Callable[[float], None]]]:
    """Show a bar while training where somebody looks; elsewhere log each epoch, unless several models train at once.

    Yields what to call with each entry of the history, and within an epoch with the share that is done.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]}"),
        TimeRemainingColumn(),
    )
    one_of_several = multiprocessing.parent_process() is not None
    nobody_looks = one_of_several or not (console.is_terminal or console.is_jupyter)
    with Progress(*columns, console=console, disable=nobody_looks) as progress:
        task = progress.add_task(name, total=epochs, found="")
        logs = nobody_looks and not one_of_several
        if logs:
            logger.info("Training %s", name)

        def show_epoch(entry: dict[str, float | None]) -> None:
            found = _loss_of(entry)
            progress.update(task, completed=entry["epoch"] or 0, found=found)
            if logs:
                logger.info("Epoch %d of %d, %s", entry["epoch"], epochs, found)

        def show_part(share: float) -> None:
            progress.update(task, completed=int(progress.tasks[task].completed) + share * 0.99)

        yield show_epoch, show_part


def _loss_of(entry: dict[str, float | None]) -> str:
    """Name the validation loss, or the training loss where nothing is kept for validation."""
    name = "val_loss" if entry["val_loss"] is not None else "loss"
    return f"{name.replace('_', ' ')} {entry[name]:.4f}"
