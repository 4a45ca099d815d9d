"""A progress bar over epochs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def epoch_progress(name: str, epochs: int) -> Iterator[Callable[[dict[str, float | None]], None]]:
    """Show a bar while training; yields what to call with each entry of the history."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("val loss {task.fields[val_loss]:.4f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=epochs, val_loss=float("nan"))

        def show(entry: dict[str, float | None]) -> None:
            progress.update(task, completed=entry["epoch"] or 0, val_loss=entry["val_loss"])

        yield show
