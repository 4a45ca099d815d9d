"""Locks between processes: a second process is refused, and what a dead one held is taken over."""

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

from spline_lstm.datasets.locks import RunLocks
from spline_lstm.errors import RunLockedError, StorageError

HOLD = """
import sys, time
from pathlib import Path
from spline_lstm.datasets.locks import RunLocks
data, kind = Path(sys.argv[1]), sys.argv[2]
locks = RunLocks()
locks.take(data, **{"written": [], "read": [], kind: [data / "06_models" / "run" / "model.keras"]})
print("locked", flush=True)
{then}
time.sleep(60)
"""
FORK = "import os\nif os.fork() == 0:\n    time.sleep(60)"

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A run's file; it need not exist."""
    return tmp_path / "06_models" / "run" / "model.keras"


@pytest.fixture
def locks() -> Iterator[RunLocks]:
    made = RunLocks()
    yield made
    made.release()


@pytest.fixture
def hold(tmp_path: Path) -> Iterator[Hold]:
    """Let another process lock the file; returns when it has."""
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


def test_a_file_in_use_is_refused_with_the_process_that_uses_it(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold, refuses: Any
) -> None:
    owner = hold().pid
    with refuses(RunLockedError, 61, f"06_models/run/model.keras is in use by process {owner}; wait for its end"):
        locks.take(tmp_path, written=[place])


@pytest.mark.parametrize(("theirs", "ours"), [("written", "read"), ("read", "written")])
def test_who_reads_keeps_writers_out_and_the_other_way_round(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold, theirs: str, ours: str
) -> None:
    hold(theirs)
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, **{"written": [], ours: [place]})


def test_several_processes_may_read(tmp_path: Path, place: Path, locks: RunLocks, hold: Hold) -> None:
    hold("read")
    locks.take(tmp_path, written=[], read=[place])


def test_the_refusal_takes_less_than_two_seconds(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold
) -> None:  # fmt: skip
    hold()
    started = time.monotonic()
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[place])
    assert time.monotonic() - started < 2


def test_a_refused_process_holds_nothing(tmp_path: Path, place: Path, locks: RunLocks, hold: Hold) -> None:
    first = tmp_path / "06_models" / "another" / "model.keras"
    hold()
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[first, place])
    assert not (tmp_path / ".locks" / "06_models+another.lock").exists()


@pytest.mark.parametrize("then", ["", FORK])
def test_a_dead_owners_file_is_taken_over_even_if_its_workers_live(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold, then: str
) -> None:
    owner = hold(then=then)
    owner.kill()
    owner.wait()
    locks.take(tmp_path, written=[place])


def test_a_worker_that_ends_leaves_the_lock_to_its_owner(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold
) -> None:
    hold(then="import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()")
    time.sleep(0.2)
    with pytest.raises(RunLockedError):
        locks.take(tmp_path, written=[place])


def test_released_locks_leave_no_file(tmp_path: Path, place: Path, locks: RunLocks) -> None:
    locks.take(tmp_path, written=[place], read=[place.with_name("last.keras")])
    locks.release()
    assert list((tmp_path / ".locks").iterdir()) == []


def test_the_last_reader_takes_the_lock_file_away(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold
) -> None:  # fmt: skip
    other = hold("read")
    locks.take(tmp_path, written=[], read=[place])
    locks.release()
    assert len(list((tmp_path / ".locks").iterdir())) == 1
    other.kill()
    other.wait()
    locks.take(tmp_path, written=[], read=[place])
    locks.release()
    assert list((tmp_path / ".locks").iterdir()) == []


def test_a_lock_file_removed_in_between_is_no_lock(
    tmp_path: Path, place: Path, locks: RunLocks, hold: Hold, monkeypatch: pytest.MonkeyPatch, refuses: Any
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
    locks.take(tmp_path, written=[place])
    assert len(opened) == 2
    assert os.path.samestat(path.stat(), os.fstat(opened[1]))


def test_other_files_of_the_same_folder_are_free(tmp_path: Path, place: Path, locks: RunLocks, hold: Hold) -> None:
    hold()
    locks.take(tmp_path, written=[place.with_name("last.keras")], read=[place.with_name("history.json")])


def test_a_place_outside_data_is_locked_too(tmp_path: Path, locks: RunLocks) -> None:
    locks.take(tmp_path / "data", written=[tmp_path / "elsewhere" / "model.keras"])
    (name,) = (tmp_path / "data" / ".locks").iterdir()
    assert name.name.endswith("+elsewhere.lock")


@pytest.mark.parametrize("moment", ["taken", "released"])
def test_leftovers_of_killed_writers_go_when_a_place_is(
    tmp_path: Path, place: Path, locks: RunLocks, moment: str
) -> None:
    edge = place.with_name("edge")
    edge.mkdir(parents=True)
    (edge / "kept.onnx").touch()
    if moment == "released":
        locks.take(tmp_path, written=[place, edge])
    for path in (place.with_name(".model.keras.1.tmp"), edge / ".fp32.onnx.2.tmp"):
        path.touch()
    if moment == "taken":
        locks.take(tmp_path, written=[place, edge])
    else:
        locks.release()
    assert sorted(path.name for path in place.parent.rglob("*")) == ["edge", "kept.onnx"]


def test_what_another_file_is_being_written_to_is_not_swept(tmp_path: Path, place: Path, locks: RunLocks) -> None:
    place.parent.mkdir(parents=True)
    of_another = place.with_name(".last.keras.1.tmp")
    of_another.touch()
    locks.take(tmp_path, written=[place])
    assert of_another.exists()


def test_nothing_is_swept_where_one_only_reads(tmp_path: Path, place: Path, locks: RunLocks) -> None:
    place.parent.mkdir(parents=True)
    left = place.with_name(".model.keras.1.tmp")
    left.touch()
    locks.take(tmp_path, written=[], read=[place])
    assert left.exists()


def test_a_storage_that_takes_no_lock_file_is_refused(
    tmp_path: Path, place: Path, locks: RunLocks, refuses: Any
) -> None:
    (tmp_path / ".locks").touch()
    with refuses(StorageError, 60, "cannot be written: File exists"):
        locks.take(tmp_path, written=[place])
