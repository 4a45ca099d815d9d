"""A progress bar over epochs."""

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich import get_console
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from spline_lstm.text import cut, time_left

logger = logging.getLogger(__name__)

_BESIDE_NAME, _SHORTEST_NAME = 50, 10
"""Columns of a terminal: those of the rest of the line, with a short bar, and the fewest for the name."""


@contextmanager
def epoch_progress(
    name: str, epochs: int
) -> Iterator[tuple[Callable[[dict[str, float | None]], None], Callable[[float], None]]]:
    """Show a bar while training in a terminal; elsewhere log each epoch, unless several models train at once.

    Yields the callback for each entry of the history, and for the finished share of an epoch.
    """
    console = _find_console()
    one_of_several = multiprocessing.parent_process() is not None
    nobody_looks = one_of_several or not (console.is_terminal or console.is_jupyter)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, disable=nobody_looks) as progress:
        shown = cut(name, max(console.width - _BESIDE_NAME, _SHORTEST_NAME))
        bar = _EpochBar(progress, progress.add_task(shown, total=epochs, found="", left=""), epochs)
        logs = nobody_looks and not one_of_several

        def show_epoch(entry: dict[str, float | None]) -> None:
            bar.show_epoch(entry)
            if logs:
                logger.info("Epoch %d of %d, %s", entry["epoch"], epochs, _loss_of(entry))

        yield show_epoch, bar.show_part
        bar.close()


class _EpochBar:
    """The bar of several trainings, one after another; the time left counts from the end of each first epoch."""

    def __init__(self, progress: Progress, task: TaskID, epochs: int) -> None:
        self._progress, self._task, self._total = progress, task, epochs
        self._epoch, self._first_ended = 0, 0.0

    def show_epoch(self, entry: dict[str, float | None]) -> None:
        """Show the finished epoch and its loss."""
        self._epoch = int(entry["epoch"] or 0)
        if self._epoch <= 1:  # the first epoch and those that try learning rates are slow
            self._first_ended = time.monotonic()
        self._progress.update(self._task, completed=self._epoch, found=_loss_of(entry), left=self._left(self._epoch))

    def show_part(self, share: float) -> None:
        """Show the finished share of the next epoch."""
        done = self._epoch + 0.99 * share
        self._progress.update(self._task, completed=done, left=self._left(done))

    def close(self) -> None:
        """Leave the bar at its last state."""
        self._progress.update(self._task, completed=self._epoch, left="")

    def _left(self, done: float) -> str:
        if done <= 1:
            return ""
        return time_left((self._total - done) * (time.monotonic() - self._first_ended) / (done - 1))


def _find_console() -> Console:
    """Return the console of the log, so that lines appear above the bar; that of errors if it is not a terminal."""
    console = get_console()
    return console if console.is_terminal or console.is_jupyter else Console(stderr=True)


def _loss_of(entry: dict[str, float | None]) -> str:
    """Return the validation loss as text, or the training loss without a validation part."""
    name = "val_loss" if entry["val_loss"] is not None else "loss"
    return f"{name.replace('_', ' ')} {entry[name]:.4f}"
