"""Locks of the files and folders of datasets: one process writes, or several read.

The locks are POSIX record locks (`lockf`, not `flock`). Forked workers do not inherit them, so the kernel releases them
however the owner dies; and the kernel knows the owner's process id. They exclude nothing within one process. All files
of one folder share a lock file, in which each name has its own byte: processes that write different files of a run do
not exclude each other.
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
# `struct flock` of fcntl(2): the positions of type, first byte, length and process id differ between systems.
_FLOCK, _TYPE, _START, _PID = ("qqihh", 3, 0, 2) if sys.platform == "darwin" else ("hhqqi0q", 0, 2, 4)


HELD: "weakref.WeakSet[Any]" = weakref.WeakSet()
"""All objects that hold locks of this process."""


def release_all() -> None:
    """Release all locks of this process before a forced end, which runs no more code."""
    for locks in list(HELD):
        locks.release()


class RunLocks:
    """The locks of this process.

    Temporary files of killed writers are removed when a lock is taken and when it is released.
    """

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}
        self._written: set[Path] = set()
        HELD.add(self)

    def take(self, data: Path, *, written: Iterable[Path], read: Iterable[Path] = ()) -> None:
        """Lock all files and folders or none; they replace those held so far.

        Args:
            data: The folder for the lock files, under `.locks`.
            written: No other process may use these.
            read: Others may read these at the same time.

        Raises:
            RunLockedError: Another process uses one of them.
            StorageError: The storage is full, read-only or missing.

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
        """Release everything; remove lock files that no other process uses."""
        self._sweep()
        self._written = set()
        while self._held:
            path, descriptor = self._held.popitem()
            with suppress(OSError):  # other processes use the file
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            os.close(descriptor)

    def _sweep(self) -> None:
        for place in self._written:
            sweep(place)


def _lock_file(place: Path, data: Path) -> Path:
    """Return the lock file for a place; a folder has one for all its files."""
    folder = place.parent.relative_to(data) if place.is_relative_to(data) else place.parent
    return data / ".locks" / f"{folder.as_posix().strip('/').replace('/', '+')}.lock"


def _lock(path: Path, places: Mapping[Path, bool]) -> int:
    """Lock places in one lock file and return its descriptor; wait a moment for locks that are being released.

    Args:
        path: The lock file.
        places: Places to lock, and whether the lock is exclusive.

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
    """Lock one place; return False if another process holds it."""
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB, 1, _byte_of(place))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Tell whether an open file still has this path: the last owner may have removed the file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owner(descriptor: int, place: Path, *, exclusive: bool) -> str:
    """Ask the kernel which process holds the lock."""
    fields = [0] * 5
    fields[_TYPE] = fcntl.F_WRLCK if exclusive else fcntl.F_RDLCK
    fields[_START], fields[_START + 1] = _byte_of(place), 1
    answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, *fields)))
    return f"process {answer[_PID]}" if answer[_PID] > 0 else "another process"
