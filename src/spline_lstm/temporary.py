"""Temporary folders, removed when their work is done; after a killed run, the next run removes them."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "spline_lstm-tmp-"
_YOUNG_SECONDS = 60.0
"""Age from which an unlocked folder counts as left over: a younger one may not be locked yet."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield an empty folder below `TMPDIR`, and remove it.

    This process locks the folder; the system releases the lock however the process ends. Folders without a lock were
    left by killed runs and are removed first.

    Raises:
        OSError: There is no room for the folder.

    """
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        held = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_SH)
            yield Path(name)
        finally:
            os.close(held)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}????????"):
        with suppress(OSError):  # another process holds it, or it is gone
            found = folder.stat()
            if found.st_uid != os.getuid() or time.time() - found.st_mtime < _YOUNG_SECONDS:
                continue
            held = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(held)
