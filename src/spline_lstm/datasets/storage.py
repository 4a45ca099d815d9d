"""Files of datasets, on this machine or in a bucket: written whole or not at all, and hashed."""

import functools
import glob
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kedro.utils import find_kedro_project

from spline_lstm.datasets.address import Address, Place
from spline_lstm.errors import ArtifactMissingError, StorageError
from spline_lstm.temporary import temporary_folder

_BLOCK = 1 << 20


@contextmanager
def atomic_path(place: Place) -> Iterator[Path]:
    """Yield a temporary path; when the block succeeds, the file or folder at this path replaces the place.

    A reader sees the old file or the new file, never a part, whenever the process dies.

    Raises:
        StorageError: The storage is full, read-only or missing.

    """
    with _uploaded(place) if isinstance(place, Address) else _renamed(place) as temporary:
        yield temporary


@contextmanager
def _uploaded(address: Address) -> Iterator[Path]:
    with temporary_folder() as folder:
        yield folder / address.name
        address.upload(folder / address.name)


@contextmanager
def _renamed(path: Path) -> Iterator[Path]:
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


@contextmanager
def local_file(place: Place, made_by: str | None = None) -> Iterator[Path]:
    """Yield a path on this machine: the file itself, or a copy that is removed after the block.

    Arrays that are mapped into memory stay readable.

    Args:
        place: The file.
        made_by: The command that makes the file, for the message if it is missing.

    Raises:
        ArtifactMissingError: There is no such file.
        StorageError: The file cannot be read.

    """
    if not isinstance(place, Address):
        if not place.is_file():
            raise _missing(place, made_by)
        yield place
        return
    with temporary_folder() as folder:
        try:
            place.download(folder / place.name)
        except FileNotFoundError:
            raise _missing(place, made_by) from None
        yield folder / place.name


def remove(path: Place) -> None:
    """Remove a file, if it exists.

    Raises:
        StorageError: The file cannot be removed.

    """
    if isinstance(path, Address):
        path.unlink()
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be removed: {error.strerror or error}") from error


def sweep(place: Path) -> None:
    """Remove the temporary files that killed writers of a place left; no process may be writing the place."""
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


def write_bytes(path: Place, content: bytes) -> None:
    """Write a file atomically."""
    if isinstance(path, Address):
        path.write_bytes(content)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_bytes(path: Place, made_by: str | None = None) -> bytes:
    """Read a file.

    Args:
        path: The file.
        made_by: The command that makes the file, for the message if it is missing.

    Raises:
        ArtifactMissingError: There is no such file.
        StorageError: The file cannot be read.

    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _missing(path, made_by) from None
    except OSError as error:
        raise StorageError(f"{shown(path)} cannot be read: {error.strerror or error}") from error


def _missing(place: Place, made_by: str | None) -> ArtifactMissingError:
    hint = f"; make it with: {made_by}" if made_by else ""
    return ArtifactMissingError(f"{shown(place)} is missing{hint}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def shown(path: Place) -> str:
    """Return a place as a user would type it: relative to the project, else to the working directory."""
    if isinstance(path, Address):
        return str(path)
    with suppress(ValueError):
        return path.relative_to(_base(Path.cwd())).as_posix()
    return str(path)


@functools.cache
def _base(folder: Path) -> Path:
    return find_kedro_project(folder) or folder
