"""Files on disk: written whole or not at all, and hashed."""

import functools
import glob
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kedro.utils import find_kedro_project

from spline_lstm.errors import ArtifactMissingError, StorageError

_BLOCK = 1 << 20


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; it takes the name `path` when the block succeeds.

    A reader sees the old file or the new one, never a part of it, whenever the process dies.

    Raises:
        StorageError: The storage is full, read-only or not there.

    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        StorageError: It cannot be removed.

    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be removed: {error.strerror or error}") from error


def sweep(place: Path) -> None:
    """Remove the temporary files that killed writers of a file or folder left; nobody may be writing it."""
    names = glob.escape(place.name)
    for path in (*place.glob(".*.tmp"), *place.parent.glob(f".{names}.*.tmp")):
        with suppress(OSError):
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_bytes(path: Path, made_by: str | None = None) -> bytes:
    """Read a file.

    Args:
        path: The file.
        made_by: The command that makes it, named when the file is missing.

    Raises:
        ArtifactMissingError: There is no such file.
        StorageError: It cannot be read.

    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        hint = f"; make it with: {made_by}" if made_by else ""
        raise ArtifactMissingError(f"{shown(path)} is missing{hint}") from None
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be read: {error.strerror or error}") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def shown(path: Path) -> str:
    """Return the path as a person would type it: relative to the project (else the working directory) it lies in."""
    with suppress(ValueError):
        return path.relative_to(_base(Path.cwd())).as_posix()
    return str(path)


@functools.cache
def _base(folder: Path) -> Path:
    return find_kedro_project(folder) or folder
