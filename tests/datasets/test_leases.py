"""Locks in a bucket: a second process is refused, and what a dead one held is free when its lease ends."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from spline_lstm.datasets import address, leases
from spline_lstm.datasets.address import Address
from spline_lstm.datasets.leases import BucketLocks
from spline_lstm.datasets.locks import release_all
from spline_lstm.errors import RunLockedError, StorageError

Take = Callable[..., BucketLocks]
WITHOUT_ZONE = b'{"written": [], "read": [], "started": "2024-01-01T00:00:00", "expires": "2024-01-01T00:00:00"}'


@pytest.fixture
def data(bucket: str) -> Address:
    return Address(bucket)


@pytest.fixture
def model(data: Address) -> Address:
    """A run's file; it need not exist."""
    return data / "06_models/run/model.keras"


@pytest.fixture
def take(data: Address, monkeypatch: pytest.MonkeyPatch) -> Iterator[Take]:
    """Lock addresses as a process of its own would."""
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 0.0)
    taken: list[BucketLocks] = []

    def run(**places: Any) -> BucketLocks:
        taken.append(BucketLocks())
        taken[-1].take(**({"written": []} | places))
        return taken[-1]

    yield run
    for locks in taken:
        locks.release()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Put the clock forward by some seconds."""
    now = leases._now

    def move(seconds: float) -> None:
        monkeypatch.setattr(leases, "_now", lambda: now() + timedelta(seconds=seconds))

    return move


def held(data: Address) -> list[dict[str, Any]]:
    return [json.loads(place.read_bytes()) for place in (data.bucket / ".locks").iterdir()]


def test_a_second_writer_is_refused_and_told_by_whom_and_until_when(
    take: Take, data: Address, model: Address, refuses: Any
) -> None:
    take(written=[model])
    lease = held(data)[0]
    ends = lease["expires"][:19].replace("T", " ")
    by = f"{model} is in use by process {os.getpid()} on {lease['host']}; wait for its end"
    with refuses(RunLockedError, 61, by, f"its lock ends at {ends} UTC"):
        take(written=[model])
    assert held(data) == [lease]


@pytest.mark.parametrize(("first", "second"), [("written", "read"), ("read", "written")])
def test_a_writer_and_a_reader_exclude_each_other(
    take: Take, model: Address, refuses: Any, first: str, second: str
) -> None:
    take(**{first: [model]})
    with refuses(RunLockedError, 61, f"{model} is in use by"):
        take(**{second: [model]})


def test_readers_and_writers_of_other_files_share(take: Take, data: Address, model: Address) -> None:
    take(read=[model])
    take(read=[model], written=[data / "08_reporting/run/metrics.json"])
    assert len(held(data)) == 2


def test_what_is_written_and_read_counts_as_written(take: Take, model: Address, refuses: Any) -> None:
    take(written=[model], read=[model])
    with refuses(RunLockedError, 61):
        take(read=[model])


def test_what_is_given_back_is_free(take: Take, data: Address, model: Address) -> None:
    take(written=[model]).release()
    assert held(data) == []
    take(written=[model])


def test_everything_is_given_back_at_once(take: Take, data: Address, model: Address) -> None:
    take(written=[model])
    release_all()
    assert held(data) == []


def test_another_take_replaces_the_first(take: Take, data: Address, model: Address) -> None:
    locks = take(written=[model])
    locks.take(written=[data / "other"])
    assert [lease["written"] for lease in held(data)] == [[f"{data}/other"]]


def test_nothing_is_written_where_nothing_is_locked(take: Take, data: Address) -> None:
    take()
    assert held(data) == []


def test_a_lease_that_has_ended_is_in_nobodys_way(take: Take, model: Address, later: Any) -> None:
    take(written=[model])
    later(leases._LEASE_SECONDS + 1)
    take(written=[model])


def test_a_lease_that_ended_long_ago_goes(take: Take, data: Address, model: Address, later: Any) -> None:
    take(written=[model])
    dead = held(data)[0]["token"]
    later(leases._LEASE_SECONDS + 3601)
    take(written=[model])
    assert dead not in [lease["token"] for lease in held(data)]


def test_a_lease_that_is_written_anew_while_a_newcomer_looks_keeps_its_place(
    take: Take, data: Address, model: Address, later: Any, monkeypatch: pytest.MonkeyPatch, refuses: Any
) -> None:
    take(written=[model])
    lease = held(data)[0]
    later(leases._LEASE_SECONDS + 1)
    read, place = leases._read, data.bucket / ".locks" / f"{lease['token']}.json"

    def read_before_it_is_written_anew(found: Address) -> Any:
        content = read(found)
        place.write_bytes(json.dumps(lease | {"expires": leases._end().isoformat()}).encode())
        return content

    monkeypatch.setattr(leases, "_read", read_before_it_is_written_anew)
    with refuses(RunLockedError, 61, f"{model} is in use by"):
        take(written=[model])
    assert [lease["token"] for lease in held(data)] == [lease["token"]]


def test_a_forked_worker_gives_nothing_back(take: Take, data: Address, model: Address, monkeypatch: Any) -> None:
    locks = take(written=[model])
    with monkeypatch.context() as worker:
        worker.setattr(os, "getpid", lambda: -1)
        BucketLocks.release(locks)
    assert len(held(data)) == 1
    (data.bucket / ".locks" / f"{held(data)[0]['token']}.json").unlink()
    locks._ended.set()


def await_renewal(data: Address) -> None:
    """Wait until the only lease has a later end."""
    first = held(data)[0]["expires"]
    deadline = time.monotonic() + 10
    while held(data)[0]["expires"] == first:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_lease_is_written_anew_while_its_process_lives(
    take: Take, data: Address, model: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.01)
    take(written=[model])
    await_renewal(data)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [(StorageError("no route"), "no route"), (MemoryError(), "MemoryError"), (RuntimeError("closed"), "closed")],
    ids=str,
)
def test_whatever_fails_for_a_while_loses_no_lease(
    take: Take, data: Address, model: Address, monkeypatch: Any, caplog: Any, failure: Exception, reason: str
) -> None:
    monkeypatch.setattr(leases, "_RENEWAL_SECONDS", 0.01)
    write, failures = leases._write, iter([failure])

    def write_or_fail(*arguments: Any) -> None:
        if threading.current_thread() is not threading.main_thread() and (error := next(failures, None)):
            raise error
        write(*arguments)

    monkeypatch.setattr(leases, "_write", write_or_fail)
    take(written=[model])
    await_renewal(data)
    assert f"{reason}; trying again in 0.01 s" in caplog.text


@pytest.fixture
def lose(take: Take, model: Address, later: Any) -> Callable[..., BucketLocks]:
    """Let a process stand still for some seconds, while another one, whose clock is ahead, takes its place."""

    def run(seconds: float, ahead: float = 0.0) -> BucketLocks:
        locks = take(written=[model])
        later(seconds + ahead)
        take(written=[model])
        later(seconds)
        assert locks._lease is not None
        locks._renew(locks._lease, Mock(wait=Mock(side_effect=[False, True])))  # once
        return locks

    return run


def test_a_process_that_stood_still_until_another_took_its_place_writes_nothing_more(
    lose: Any, model: Address, refuses: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a notebook nor a program that calls Kedro handles the signal."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        locks = lose(leases._LEASE_SECONDS + 1)
    finally:
        signal.signal(signal.SIGTERM, before)
    message = f"this process stood still for too long; {model} is in use by"
    with refuses(RunLockedError, 61, message):
        locks.check_held()
    assert message in caplog.text


def test_where_a_signal_is_handled_it_stops_the_process_at_once(lose: Any) -> None:
    stopped: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    try:
        lose(leases._LEASE_SECONDS + 1)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped == [signal.SIGTERM]


def test_a_process_loses_its_place_to_one_whose_clock_is_ahead(lose: Any, refuses: Any) -> None:
    with refuses(RunLockedError, 61, "this process stood still for too long"):
        lose(leases._LEASE_SECONDS - 50, ahead=55).check_held()


def test_what_is_taken_anew_is_held(lose: Any, data: Address) -> None:
    locks = lose(leases._LEASE_SECONDS + 1)
    locks.take(written=[data / "other"])
    locks.check_held()


def test_of_many_that_come_at_once_one_takes_it(data: Address, model: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of each of them takes a moment, so that they meet."""
    write = leases._write

    def write_slowly(*arguments: Any) -> None:
        time.sleep(0.01)
        write(*arguments)
        time.sleep(0.01)

    monkeypatch.setattr(leases, "_write", write_slowly)
    everybody = [BucketLocks() for _ in range(6)]
    took: list[BucketLocks] = []

    def try_to_take(locks: BucketLocks) -> None:
        with suppress(RunLockedError):
            locks.take(written=[model])
            took.append(locks)

    threads = [threading.Thread(target=try_to_take, args=(locks,)) for locks in everybody]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(took), len(held(data))) == (1, 1)
    took[0].release()


def test_a_moment_is_waited_for_what_is_being_given_back(
    take: Take, model: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take(written=[model])
    monkeypatch.setattr(leases, "_PATIENCE_SECONDS", 10.0)
    threading.Timer(0.2, first.release).start()
    take(written=[model])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"written": 5}', b"\xff", WITHOUT_ZONE])
def test_what_is_no_lease_holds_nothing(take: Take, data: Address, model: Address, content: bytes) -> None:
    (data.bucket / ".locks" / "other.json").write_bytes(content)
    take(written=[model]).release()
    assert [place.name for place in (data.bucket / ".locks").iterdir()] == ["other.json"]


def test_leases_lie_in_the_bucket_so_that_no_configuration_hides_them(take: Take, model: Address) -> None:
    take(written=[model])
    assert len(list((model.bucket / ".locks").iterdir())) == 1


def test_a_store_that_refuses_is_told_and_nothing_is_held(
    data: Address, model: Address, monkeypatch: pytest.MonkeyPatch, refuses: Any
) -> None:
    def refuse(self: Any, *_: Any, **__: Any) -> None:
        raise PermissionError("403 Forbidden")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.pipe_file", refuse)
    locks = BucketLocks()
    with refuses(StorageError, 60, "cannot be written: 403 Forbidden"):
        locks.take(written=[model])
    locks.release()


def test_a_store_that_is_gone_at_the_end_leaves_the_lease_to_its_end(
    take: Take, data: Address, model: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "_WAITS", ())

    def fail(self: Any, *_: Any) -> None:
        raise OSError("gone")

    locks = take(written=[model])
    with monkeypatch.context() as gone:
        gone.setattr("fsspec.implementations.memory.MemoryFileSystem.rm_file", fail)
        locks.release()
    assert len(held(data)) == 1
