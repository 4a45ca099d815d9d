"""Addresses in a bucket: the words of `pathlib`, tries again, and one line for whatever a store says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import known_implementations

from spline_lstm.datasets import address
from spline_lstm.datasets.address import Address, check_address, names_between, place_at
from spline_lstm.errors import ParameterError, StorageError
from spline_lstm.text import holds_secret

QUESTIONS = ("info", "ls", "glob", "cat_file", "pipe_file", "get_file", "put_file", "rm_file")


@pytest.fixture
def failing(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Exception | None]], list[str]]:
    """Let the bucket fail as told by the number of the call; returns the calls."""
    monkeypatch.setattr(address, "_WAITS", (0.0,) * 4)

    def install(failure: Callable[[int], Exception | None]) -> list[str]:
        calls: list[str] = []

        def wrap(question: str) -> None:
            real = getattr(MemoryFileSystem, question)

            def ask(self: Any, *values: Any, **options: Any) -> Any:
                calls.append(question)
                error = failure(len(calls))
                if error is not None:
                    raise error
                return real(self, *values, **options)

            monkeypatch.setattr(MemoryFileSystem, question, ask)

        for question in QUESTIONS:
            wrap(question)
        return calls

    return install


@pytest.fixture
def folder(bucket: str) -> Address:
    return Address(bucket)


def test_what_is_written_is_read(folder: Address, tmp_path: Path) -> None:
    (folder / "a").write_bytes(b"content")
    (folder / "a").download(tmp_path / "a")
    (folder / "b").upload(tmp_path / "a")
    assert (folder / "b").read_bytes() == b"content"


def test_a_folder_yields_what_lies_in_it(folder: Address) -> None:
    for name in ("b", "a", "deeper/c"):
        (folder / name).write_bytes(b"")
    assert [place.name for place in folder.iterdir()] == ["a", "b", "deeper"]
    assert [place.is_file() for place in folder.iterdir()] == [True, True, False]


def test_an_object_in_the_place_of_a_folder_does_not_lie_in_it(folder: Address, monkeypatch: Any) -> None:
    own = folder.url.removeprefix("memory:/")
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda *_, **__: [f"{own}/", f"{own}/{folder.name}", f"{own}/a"])
    assert [place.url for place in folder.iterdir()] == [f"{folder.url}/a", f"{folder.url}/{folder.name}"]


def test_a_folder_that_is_not_there_is_empty(folder: Address) -> None:
    assert list(folder.iterdir()) == []


def test_what_is_not_there_can_be_removed(folder: Address) -> None:
    (folder / "a").unlink()
    (folder / "a").write_bytes(b"")
    (folder / "a").unlink()
    assert not (folder / "a").is_file()


def test_names_are_found_between_two_texts(folder: Address) -> None:
    for name in ("one/run.json", "two/run.json", "two/more/run.json", "three/other.json"):
        (folder / name).write_bytes(b"")
    assert sorted(names_between(f"{folder.url}/", "/run.json")) == ["one", "two"]
    assert names_between(f"{folder.url}/tw", "/run.json") == ["o"]
    assert names_between(f"{folder.url}/none/", "/run.json") == []


def test_a_store_that_fails_every_tenth_call_ends_well(folder: Address, failing: Any) -> None:
    calls = failing(lambda number: OSError("503 Slow Down") if number % 10 == 0 else None)
    for number in range(40):
        (folder / str(number)).write_bytes(str(number).encode())
        assert (folder / str(number)).is_file()
        assert (folder / str(number)).read_bytes() == str(number).encode()
        (folder / str(number)).unlink()
    assert list(folder.iterdir()) == []
    assert len(calls) > 170


@pytest.mark.parametrize("question", ["read_bytes", "is_file", "unlink"])
def test_a_store_that_never_answers_is_told_in_one_line(
    folder: Address, failing: Any, refuses: Any, question: str
) -> None:
    calls = failing(lambda _: OSError("no route to https://me:secret@host?sig=secret"))
    verb = "removed" if question == "unlink" else "read"
    with refuses(StorageError, 60, f"{folder}/a cannot be {verb}: no route to https://***@host?***"):
        getattr(folder / "a", question)()
    assert len(calls) == 5


@pytest.mark.parametrize("error", [PermissionError("403 Forbidden"), NotImplementedError("read only")], ids=str)
def test_a_refusal_is_not_asked_again(folder: Address, failing: Any, refuses: Any, error: Exception) -> None:
    calls = failing(lambda _: error)
    with refuses(StorageError, 60, f"{folder}/a cannot be written: {error}"):
        (folder / "a").write_bytes(b"")
    assert calls == ["pipe_file"]


def test_a_store_is_not_asked_for_longer_than_patience(
    folder: Address, failing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "_PATIENCE_SECONDS", -1.0)
    calls = failing(lambda _: OSError("timed out"))
    with pytest.raises(StorageError):
        (folder / "a").read_bytes()
    assert len(calls) == 1


def test_too_little_memory_is_no_fault_of_the_store(folder: Address, failing: Any) -> None:
    failing(lambda _: MemoryError())
    with pytest.raises(MemoryError):
        (folder / "a").read_bytes()


def test_a_write_into_a_bucket_that_is_not_there_is_refused(folder: Address, failing: Any, refuses: Any) -> None:
    failing(lambda _: FileNotFoundError("The specified bucket does not exist"))
    with refuses(StorageError, 60, "cannot be written: The specified bucket does not exist"):
        (folder / "a").write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("data/a", Path("data/a")), ("file:///data/a", Path("/data/a")), ("local:///data/a", Path("/data/a")),
        ("s3://bucket/a/", Address("s3://bucket/a")),
    ],
)  # fmt: skip
def test_a_name_is_a_path_or_an_address(name: str, place: object) -> None:
    assert place_at(name) == place


def test_an_address_has_parts() -> None:
    place = Address("s3://bucket/folder/page.html")
    assert (place.name, place.suffix, str(place)) == ("page.html", ".html", "s3://bucket/folder/page.html")
    assert str(place.with_name("other")) == "s3://bucket/folder/other"
    assert str(place.bucket) == "s3://bucket"


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://me:secret@host/a", "ftp://***@host/a"),
        ("https://token@host/a", "https://***@host/a"),
        ("gs://token@bucket/a", "gs://***@bucket/a"),
        ("abfs://me:secret@account/a", "abfs://***@account/a"),
    ],
)
def test_an_address_shows_no_secret(url: str, text: str) -> None:
    assert str(Address(url)) == text


@pytest.mark.parametrize("protocol", ["abfs", "abfss", "az"])
def test_an_address_shows_its_container_so_that_a_command_can_be_pasted(protocol: str) -> None:
    url = f"{protocol}://container@account.dfs.core.windows.net/folder/a"
    assert str(Address(url)) == url
    assert not holds_secret(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://me:secret@host/a", "dataset 'model' lies at an address with a password"),
        ("gs://token@bucket/a", "dataset 'model' lies at an address with a password"),
        ("s4://bucket/a?version=2", "dataset 'model' lies at 's4://bucket/a?***': Protocol not known: s4"),
        ("s3://bucket//a?version=2", "dataset 'model' lies at 's3://bucket//a?***'; leave out"),
        ("s4://bucket/a", "dataset 'model' lies at 's4://bucket/a': Protocol not known: s4"),
        ("s3://bucket//a", "dataset 'model' lies at 's3://bucket//a'; leave out the '/' at the end of its folder"),
    ],
)
def test_an_address_that_no_run_could_use_is_refused(url: str, message: str, refuses: Any) -> None:
    with refuses(ParameterError, 2, message):
        check_address("model", url)


@pytest.mark.parametrize(
    ("kind", "hint"), [("absent.FileSystem", "; pip install absent"), ("fsspec.absent.FileSystem", "get absent")]
)
def test_a_missing_package_is_named(kind: str, hint: str, monkeypatch: pytest.MonkeyPatch, refuses: Any) -> None:
    monkeypatch.setitem(known_implementations, "absent", {"class": kind, "err": "get absent"})
    with refuses(ParameterError, 2, "dataset 'model' lies at 'absent://bucket/a': get absent", hint):
        check_address("model", "absent://bucket/a")
