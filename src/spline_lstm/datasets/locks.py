"""Locks of files and folders that datasets are stored in: one process writes, or several read.

They are POSIX record locks (`lockf`, not `flock`): forked workers do not inherit them, so that the kernel
releases them when the process that took them dies, however it dies; and the kernel knows that process's id.
Within one process they exclude nothing. What lies in one folder shares a lock file, in which every name has a byte of
its own: processes that write different files of a run side by side do not exclude each other.
"""

import fcntl
import os
import struct
import sys
import time
import weakref
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from spline_lstm.datasets.storage import shown, sweep
from spline_lstm.errors import RunLockedError, StorageError

_PATIENCE_SECONDS = 0.5
# `struct flock` of fcntl(2): where the type, the first byte, their number and the process id stand differs.
_FLOCK, _TYPE, _START, _PID = ("qqihh", 3, 0, 2) if sys.platform == "darwin" else ("hhqqi0q", 0, 2, 4)


HELD: "weakref.WeakSet[Any]" = weakref.WeakSet()
"""Whatever holds locks of this process."""


def release_all() -> None:
    """Give back what this process has locked, before it is made to end without any more of its code being run."""
    for locks in list(HELD):
        locks.release()


class RunLocks:
    """What this process has locked.

    What killed writers left of it is removed when it is taken and when it is released.
    """

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}
        self._written: set[Path] = set()
        HELD.add(self)

    def take(self, data: Path, *, written: Iterable[Path], read: Iterable[Path] = ()) -> None:
        """Lock files and folders in place of those held so far: all of them or none.

        Args:
            data: The folder for the lock files, under `.locks`.
            written: No other process may use these.
            read: Others may read these at the same time.

        Raises:
            RunLockedError: Another process uses one of them.
            StorageError: The storage is full, read-only or not there.

        """
        self.release()
        wanted = dict.fromkeys(read, False) | dict.fromkeys(written, True)
        together: dict[Path, dict[Path, bool]] = {}
        for place, exclusive in sorted(wanted.items()):
            together.setdefault(_lock_file(place, data), {})[place] = exclusive
        try:
            for path, places in together.items():
                self._held[path] = _lock(path, places)
        except OSError as error:
            self.release()
            raise StorageError(f"{shown(data)} cannot be written: {error.strerror or error}") from error
        except RunLockedError:
            self.release()
            raise
        self._written = {place for place, exclusive in wanted.items() if exclusive}
        self._sweep()

    def release(self) -> None:
        """Give everything back; lock files that nobody else uses go."""
        self._sweep()
        self._written = set()
        while self._held:
            path, descriptor = self._held.popitem()
            with suppress(OSError):  # others use the file
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            os.close(descriptor)

    def _sweep(self) -> None:
        for place in self._written:
            sweep(place)


def _lock_file(place: Path, data: Path) -> Path:
    """Name the lock file of a place, which is that of its folder."""
    folder = place.parent.relative_to(data) if place.is_relative_to(data) else place.parent
    return data / ".locks" / f"{folder.as_posix().strip('/').replace('/', '+')}.lock"


def _lock(path: Path, places: Mapping[Path, bool]) -> int:
    """Lock places in one file, waiting a moment for those that are being released; returns its descriptor.

    Args:
        path: The lock file.
        places: What to lock, and whether for this process alone.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        taken = next((place for place, exclusive in places.items() if not _try(descriptor, place, exclusive)), None)
        if taken is None and _is_at(path, descriptor):
            return descriptor
        if taken is not None and time.monotonic() > deadline:
            owner = _owner(descriptor, taken, exclusive=places[taken])
            os.close(descriptor)
            raise RunLockedError(f"{shown(taken)} is in use by {owner}; wait for its end, or give another run_id")
        os.close(descriptor)
        time.sleep(0.01)


def _byte_of(place: Path) -> int:
    return zlib.crc32(place.name.encode())


def _try(descriptor: int, place: Path, exclusive: bool) -> bool:
    """Lock one place; returns whether nobody else has it."""
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, _byte_of(place))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one of that name: who released it may have removed it in between."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owner(descriptor: int, place: Path, *, exclusive: bool) -> str:
    """Ask the kernel which process is in the way."""
    fields = [0] * 5
    fields[_TYPE] = fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK
    fields[_START], fields[_START + 1] = _byte_of(place), 1
    answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, *fields)))
    return f"process {answer[_PID]}" if answer[_PID] > 0 else "another process"
