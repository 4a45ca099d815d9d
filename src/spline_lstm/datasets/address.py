"""Addresses in a bucket, such as `s3://bucket/folder/file`, with the methods of `pathlib`.

An object store writes an object whole: a reader sees the old or the new object. Nothing is cached, because other
machines write there too.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.registry import known_implementations

from spline_lstm.errors import ParameterError, StorageError
from spline_lstm.text import first_line, holds_secret, without_secrets

_WAITS = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries: stores refuse now and then, and succeed at the next try."""
_PATIENCE_SECONDS = 15.0
"""How long a request is repeated; a single try may take longer."""
_FINAL = (FileNotFoundError, PermissionError, ImportError, TypeError, ValueError, NotImplementedError)
"""Errors that another try does not change."""
_ON_THIS_MACHINE = ("file", "local")


@dataclass(frozen=True, order=True)
class Address:
    """A place in a bucket of any file system of fsspec.

    Its methods work as those of `Path`. All raise `StorageError` if the store refuses or cannot be reached.
    """

    url: str

    def __str__(self) -> str:
        return without_secrets(self.url)

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """Last part of the address."""
        return self.url.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """Ending of the name, such as `.npz`."""
        return PurePosixPath(self.name).suffix

    @property
    def bucket(self) -> "Address":
        """The bucket of this address."""
        protocol, _, path = self.url.partition("://")
        return Address(f"{protocol}://{path.partition('/')[0]}")

    def with_name(self, name: str) -> "Address":
        """Return the address in the same folder with another name."""
        return Address(f"{self.url.rpartition('/')[0]}/{name}")

    def is_file(self) -> bool:
        """Tell whether the object exists."""
        try:
            return bool(self._ask("read", "info")["type"] == "file")
        except FileNotFoundError:
            return False

    def iterdir(self) -> Iterator["Address"]:
        """Yield the addresses inside this folder; nothing if the folder does not exist."""
        try:
            found = self._ask("read", "ls", detail=False)
        except FileNotFoundError:
            return
        own = fsspec.core.url_to_fs(self.url)[1].strip("/")  # some stores list the folder itself as an object
        paths = (path.strip("/") for path in sorted(found))
        yield from (self / path.rpartition("/")[2] for path in paths if path != own)

    def matches(self) -> list[str]:
        """Return the paths, without protocol, that match this address as a pattern."""
        return [str(path) for path in self._ask("read", "glob")]

    def read_bytes(self) -> bytes:
        """Read the object; raises `FileNotFoundError` if there is none."""
        return bytes(self._ask("read", "cat_file"))

    def write_bytes(self, content: bytes) -> None:
        """Write the object whole."""
        self._change("written", "pipe_file", content)

    def download(self, path: Path) -> None:
        """Copy the object into a file; raises `FileNotFoundError` if there is none."""
        self._ask("read", "get_file", str(path))

    def upload(self, path: Path) -> None:
        """Write the object whole, from a file."""
        self._change("written", "put_file", str(path))

    def unlink(self) -> None:
        """Remove the object, if it exists."""
        self._change("removed", "rm_file")

    def _change(self, what: str, question: str, *values: Any) -> None:
        try:
            self._ask(what, question, *values)
        except FileNotFoundError as error:
            if what != "removed":  # the bucket does not exist
                raise self._refused(what, error) from error

    def _ask(self, what: str, question: str, *values: Any, **options: Any) -> Any:
        """Send a request about this address to the file system; repeat it if necessary."""
        until, waits = time.monotonic() + _PATIENCE_SECONDS, iter(_WAITS)
        while True:
            try:
                system, path = fsspec.core.url_to_fs(self.url)
                system.invalidate_cache()
                arguments = (*values, path) if question == "put_file" else (path, *values)
                return getattr(system, question)(*arguments, **options)
            except (FileNotFoundError, MemoryError):
                raise
            except Exception as error:  # each store has errors of its own
                wait = next(waits, None)
                if wait is None or isinstance(error, _FINAL) or time.monotonic() > until:
                    raise self._refused(what, error) from error
                time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311 - so that clients do not all retry at once

    def _refused(self, what: str, error: Exception) -> StorageError:
        reason = without_secrets(first_line(error)) or type(error).__name__
        return StorageError(f"{self} cannot be {what}: {reason}")


Place = Path | Address
"""Where datasets read and write: a path on this machine, or an address in a bucket."""


def place_at(name: str) -> Place:
    """Return the `Path` or `Address` of a name."""
    protocol, is_address, path = name.partition("://")
    if not is_address:
        return Path(name)
    return Path(path) if protocol in _ON_THIS_MACHINE else Address(name.rstrip("/"))


def names_between(before: str, after: str) -> list[str]:
    """Return the names between the texts `before` and `after` in the existing addresses."""
    pattern = Address(f"{_escape(before)}*{_escape(after)}")
    folder = fsspec.core.url_to_fs(before)[1]
    return [path.removeprefix(folder).removesuffix(after).strip("/") for path in pattern.matches()]


def check_address(dataset: str, url: str) -> None:
    """Refuse an address that holds a secret, or that no installed package can open.

    Raises:
        ParameterError: Names the dataset, and the missing package.

    """
    if holds_secret(url):
        raise ParameterError(
            f"dataset '{dataset}' lies at an address with a password, which every record would hold; give it by the "
            "store's own environment variables"
        )
    protocol, _, path = url.partition("://")
    if "//" in path:
        raise ParameterError(
            f"dataset '{dataset}' lies at '{Address(url)}'; leave out the '/' at the end of its folder"
        )
    try:
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        package = known_implementations[protocol]["class"].partition(".")[0]
        hint = f"; pip install {package}" if package != "fsspec" else ""
        raise ParameterError(f"dataset '{dataset}' lies at '{Address(url)}': {first_line(error)}{hint}") from None
    except ValueError as error:
        raise ParameterError(f"dataset '{dataset}' lies at '{Address(url)}': {first_line(error)}") from None


def _escape(text: str) -> str:
    """Return a pattern that matches only this text."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)
