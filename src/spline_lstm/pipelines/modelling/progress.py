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
"""Columns of a terminal: those of the other parts of the line, with a short bar, and the fewest that the name gets."""


@contextmanager
def epoch_progress(
    name: str, epochs: int
) -> Iterator[tuple[Callable[[dict[str, float | None]], None], Callable[[float], None]]]:
    """Show a bar while training where somebody looks; elsewhere log each epoch, unless several models train at once.

    Yields what to call with each entry of the history, and within an epoch with the share that is done.
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
    """One training after another on the same bar; the time left counts from the end of each one's first epoch."""

    def __init__(self, progress: Progress, task: TaskID, epochs: int) -> None:
        self._progress, self._task, self._total = progress, task, epochs
        self._epoch, self._first_ended = 0, 0.0

    def show_epoch(self, entry: dict[str, float | None]) -> None:
        """Show the epoch that is done and its loss."""
        self._epoch = int(entry["epoch"] or 0)
        if self._epoch <= 1:  # the epochs that learning rates are tried for and the first one are slow
            self._first_ended = time.monotonic()
        self._progress.update(self._task, completed=self._epoch, found=_loss_of(entry), left=self._left(self._epoch))

    def show_part(self, share: float) -> None:
        """Show the share of the next epoch that is done."""
        done = self._epoch + 0.99 * share
        self._progress.update(self._task, completed=done, left=self._left(done))

    def close(self) -> None:
        """Leave what was reached."""
        self._progress.update(self._task, completed=self._epoch, left="")

    def _left(self, done: float) -> str:
        if done <= 1:
            return ""
        return time_left((self._total - done) * (time.monotonic() - self._first_ended) / (done - 1))


def _find_console() -> Console:
    """Return the console that log lines go to, so that they stand above the bar; errors' if that is no terminal."""
    console = get_console()
    return console if console.is_terminal or console.is_jupyter else Console(stderr=True)


def _loss_of(entry: dict[str, float | None]) -> str:
    """Name the validation loss, or the training loss where nothing is kept for validation."""
    name = "val_loss" if entry["val_loss"] is not None else "loss"
    return f"{name.replace('_', ' ')} {entry[name]:.4f}"
