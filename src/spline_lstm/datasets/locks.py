"""Locks of the folders below `data/`: one process writes, or several read.

They are POSIX record locks (`lockf`, not `flock`): forked workers do not inherit them, so that the kernel
releases them when the process that took them dies, however it dies; and the kernel knows that process's id.
Within one process they exclude nothing.
"""

import fcntl
import os
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from spline_lstm.datasets.storage import shown, sweep
from spline_lstm.errors import RunLockedError, StorageError

_PATIENCE_SECONDS = 0.5
# `struct flock` of fcntl(2): where the type and the process id stand differs.
_FLOCK, _TYPE, _PID = ("qqihh", 3, 2) if sys.platform == "darwin" else ("hhqqi0q", 0, 4)


class FolderLocks:
    """The folders that this process has locked.

    What killed writers left in the written ones is removed when they are taken and when they are released.
    """

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}
        self._written: set[Path] = set()

    def take(self, data: Path, *, written: Iterable[Path], read: Iterable[Path] = ()) -> None:
        """Lock folders in place of those held so far: all of them or none.

        Args:
            data: The folder that holds them all, and the lock files under `.locks`.
            written: No other process may use these.
            read: Others may read these at the same time.

        Raises:
            RunLockedError: Another process uses one of them.
            StorageError: The storage is full, read-only or not there.

        """
        self.release()
        wanted = dict.fromkeys(read, False) | dict.fromkeys(written, True)
        try:
            for folder, exclusive in sorted(wanted.items()):
                path = data / ".locks" / f"{'+'.join(folder.relative_to(data).parts)}.lock"
                self._held[path] = _lock(path, folder, exclusive=exclusive)
        except OSError as error:
            self.release()
            raise StorageError(f"{shown(data)} cannot be written: {error.strerror or error}") from error
        except RunLockedError:
            self.release()
            raise
        self._written = {folder for folder, exclusive in wanted.items() if exclusive}
        self._sweep()

    def release(self) -> None:
        """Give everything back; lock files that nobody else uses go."""
        self._sweep()
        self._written = set()
        while self._held:
            path, descriptor = self._held.popitem()
            with suppress(OSError):  # another reader
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            os.close(descriptor)

    def _sweep(self) -> None:
        for folder in self._written:
            sweep(folder)


def _lock(path: Path, folder: Path, *, exclusive: bool) -> int:
    """Lock a file, waiting a moment for one that is being released; returns its descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.lockf(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
            if _is_at(path, descriptor):
                return descriptor
        except (BlockingIOError, PermissionError):
            if time.monotonic() > deadline:
                owner = _owner(descriptor, exclusive=exclusive)
                os.close(descriptor)
                raise RunLockedError(
                    f"'{folder.name}' is in use by {owner} ({shown(folder)}); wait for its end, or give another run_id"
                ) from None
        os.close(descriptor)
        time.sleep(0.01)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one of that name: who released it may have removed it in between."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owner(descriptor: int, *, exclusive: bool) -> str:
    """Ask the kernel which process is in the way."""
    fields = [0] * 5
    fields[_TYPE] = fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK
    answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, *fields)))
    return f"process {answer[_PID]}" if answer[_PID] > 0 else "another process"
