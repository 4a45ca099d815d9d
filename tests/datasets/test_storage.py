"""Files are written whole or not at all."""

import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets.storage import atomic_path, read_bytes, sha256_of, shown, write_bytes
from spline_lstm.errors import ArtifactMissingError, StorageError


@contextmanager
def full_storage() -> Iterator[None]:
    """Let no file grow beyond 1,000 bytes: for one call only, since the tests' own output may be a file as well."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a" / "b" / "file", b"content")
    assert read_bytes(tmp_path / "a" / "b" / "file") == b"content"


def test_a_write_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"content")
    assert names(tmp_path) == ["file"]


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with atomic_path(tmp_path / "file") as temporary:
        temporary.write_bytes(b"half")
        assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_midway_leaves_the_previous_file_and_no_litter(tmp_path: Path, error: type[BaseException]) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(error), atomic_path(tmp_path / "file") as temporary:  # noqa: PT012 - fails midway
        temporary.write_bytes(b"half")
        raise error
    assert (names(tmp_path), (tmp_path / "file").read_bytes()) == (["file"], b"old")


def test_a_full_storage_is_refused(tmp_path: Path, refuses: Any) -> None:
    with refuses(StorageError, 60, "file cannot be written: File too large"), full_storage():
        write_bytes(tmp_path / "file", bytes(5_000))


def test_a_full_storage_leaves_the_previous_file_and_no_litter(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with pytest.raises(StorageError), full_storage():
        write_bytes(tmp_path / "file", bytes(5_000))
    assert (names(tmp_path), (tmp_path / "file").read_bytes()) == (["file"], b"old")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, refuses: Any) -> None:
    (tmp_path / "folder").write_text("a file")
    with refuses(StorageError, 60, "folder/file cannot be written"):
        write_bytes(tmp_path / "folder" / "file", b"content")


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path, refuses: Any) -> None:
    with refuses(ArtifactMissingError, 20, "file is missing; make it with: kedro run --pipeline=modelling"):
        read_bytes(tmp_path / "file", "kedro run --pipeline=modelling")


def test_a_missing_file_that_no_command_makes_names_none(tmp_path: Path) -> None:
    with pytest.raises(ArtifactMissingError) as caught:
        read_bytes(tmp_path / "file")
    assert caught.value.message.endswith("file is missing")


def test_a_failure_before_anything_is_written_leaves_no_litter(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="before"), atomic_path(tmp_path / "file"):
        raise ValueError("before")
    assert names(tmp_path) == []


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path, refuses: Any) -> None:
    with refuses(StorageError, 60, "cannot be read: Is a directory"):
        read_bytes(tmp_path)


def test_the_hash_of_a_file_longer_than_a_block_is_that_of_its_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 8_000
    write_bytes(tmp_path / "file", content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_path_below_the_working_directory_is_shown_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "data" / "file") == "data/file"


def test_a_path_below_a_project_is_shown_from_its_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.kedro]\n")
    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path / "conf")
    assert shown(tmp_path / "data" / "file") == "data/file"


def test_a_path_elsewhere_is_shown_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(Path("/elsewhere/file")) == "/elsewhere/file"
