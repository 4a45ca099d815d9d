"""Locks between processes: a second process is refused, and a dead one's folder is taken over."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets.locks import FolderLocks
from spline_lstm.errors import RunLockedError, StorageError

HOLD = """
import sys, time
from pathlib import Path
from spline_lstm.datasets.locks import FolderLocks
data, kind = Path(sys.argv[1]), sys.argv[2]
locks = FolderLocks()
locks.take(data, **{"written": [], "read": [], kind: [data / "06_models" / "run"]})
print("locked", flush=True)
{then}
time.sleep(60)
"""
FORK = "import os\nif os.fork() == 0:\n    time.sleep(60)"

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run's folder; it need not exist."""
    return tmp_path / "06_models" / "run"


@pytest.fixture
def locks() -> Iterator[FolderLocks]:
    made = FolderLocks()
    yield made
    made.release()


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Let another process lock the folder; returns when it has."""
    started: list[subprocess.Popen[str]] = []

    def start(kind: str = "written", then: str = "") -> "subprocess.Popen[str]":
        code = HOLD.replace("{then}", then)
        command = [sys.executable, "-c", code, str(tmp_path), kind]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_a_folder_in_use_is_refused_with_the_process_that_uses_it(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold, refuses: Any
) -> None:
    owner = hold().pid
    with refuses(RunLockedError, 61, f"'run' is in use by process {owner}"):
        locks.take(tmp_path, written=[folder])


@pytest.mark.parametrize(("theirs", "ours"), [("written", "read"), ("read", "written")])
def test_who_reads_keeps_writers_out_and_the_other_way_round(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold, theirs: str, ours: str
) -> None:
    hold(theirs)
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, **{"written": [], ours: [folder]})


def test_several_processes_may_read(tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold) -> None:
    hold("read")
    locks.take(tmp_path, written=[], read=[folder])


def test_the_refusal_takes_less_than_two_seconds(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold
) -> None:  # fmt: skip
    hold()
    started = time.monotonic()
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[folder])
    assert time.monotonic() - started < 2


def test_a_refused_process_holds_nothing(tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold) -> None:
    first = folder.with_name("another")
    hold()
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[first, folder])
    assert not (tmp_path / ".locks" / "06_models+another.lock").exists()


@pytest.mark.parametrize("then", ["", FORK])
def test_a_dead_owners_folder_is_taken_over_even_if_its_workers_live(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold, then: str
) -> None:
    owner = hold(then=then)
    owner.kill()
    owner.wait()
    locks.take(tmp_path, written=[folder])


def test_a_worker_that_ends_leaves_the_lock_to_its_owner(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold
) -> None:
    hold(then="import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()")
    time.sleep(0.2)
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[folder])


def test_released_locks_leave_no_file(tmp_path: Path, folder: Path, locks: FolderLocks) -> None:
    locks.take(tmp_path, written=[folder], read=[folder.with_name("another")])
    locks.release()
    assert list((tmp_path / ".locks").iterdir()) == []


def test_the_last_reader_takes_the_lock_file_away(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold
) -> None:  # fmt: skip
    other = hold("read")
    locks.take(tmp_path, written=[], read=[folder])
    locks.release()
    assert len(list((tmp_path / ".locks").iterdir())) == 1
    other.kill()
    other.wait()
    locks.take(tmp_path, written=[], read=[folder])
    locks.release()
    assert list((tmp_path / ".locks").iterdir()) == []


def test_a_lock_file_removed_in_between_is_no_lock(
    tmp_path: Path, folder: Path, locks: FolderLocks, hold: Hold, monkeypatch: pytest.MonkeyPatch, refuses: Any
) -> None:
    path = tmp_path / ".locks" / "06_models+run.lock"
    real, opened = os.open, []

    def open_late(*arguments: Any) -> int:
        descriptor = real(*arguments)
        if not opened:
            path.unlink()  # as its owner does on release
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr("spline_lstm.datasets.locks.os.open", open_late)
    locks.take(tmp_path, written=[folder])
    assert len(opened) == 2
    assert os.path.samestat(path.stat(), os.fstat(opened[1]))


@pytest.mark.parametrize("moment", ["taken", "released"])
def test_leftovers_of_killed_writers_go_when_a_folder_is(
    tmp_path: Path, folder: Path, locks: FolderLocks, moment: str
) -> None:
    (folder / "edge").mkdir(parents=True)
    (folder / "edge" / "kept.onnx").touch()
    if moment == "released":
        locks.take(tmp_path, written=[folder])
    for path in (folder / ".model.keras.1.tmp", folder / "edge" / ".fp32.onnx.2.tmp"):
        path.touch()
    if moment == "taken":
        locks.take(tmp_path, written=[folder])
    else:
        locks.release()
    assert sorted(path.name for path in folder.rglob("*")) == ["edge", "kept.onnx"]


def test_nothing_is_swept_where_one_only_reads(tmp_path: Path, folder: Path, locks: FolderLocks) -> None:
    folder.mkdir(parents=True)
    (folder / ".model.keras.1.tmp").touch()
    locks.take(tmp_path, written=[], read=[folder])
    assert (folder / ".model.keras.1.tmp").exists()


def test_a_storage_that_takes_no_lock_file_is_refused(
    tmp_path: Path, folder: Path, locks: FolderLocks, refuses: Any
) -> None:
    (tmp_path / ".locks").touch()
    with refuses(StorageError, 60, "cannot be written: File exists"):
        locks.take(tmp_path, written=[folder])
