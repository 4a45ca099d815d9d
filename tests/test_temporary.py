"""Temporary folders, and child processes that end with their parent."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from spline_lstm.temporary import temporary_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_temporary_folder_goes_when_its_work_is_done(place: Path) -> None:
    with temporary_folder() as folder:
        (folder / "file").write_text("x")
        assert folder.parent == place
    assert list(place.iterdir()) == []


def make_old(folder: Path) -> Path:
    """Make a folder look as if it had been left an hour ago."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("x")
    os.utime(folder, (time.time() - 3_600,) * 2)
    return folder


def test_what_killed_runs_left_goes_with_the_next(place: Path) -> None:
    left, other = make_old(place / "spline_lstm-tmp-abcdefgh"), make_old(place / "spline_lstm-tmp-notes-of-mine")
    with temporary_folder():
        assert not left.exists()
    assert other.exists()


def test_a_folder_in_use_stays_however_old_it_is(place: Path) -> None:
    with temporary_folder() as used:
        make_old(used)
        with temporary_folder():
            assert (used / "file").exists()


def test_without_a_place_for_it_there_is_no_temporary_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "none"))
    with pytest.raises(FileNotFoundError), temporary_folder():
        pytest.fail("must not be reached")


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(__import__("os").getpid())])
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import sys, time
from spline_lstm.children import end_with_parent
end_with_parent(int(sys.argv[1]))
time.sleep(60)
"""


def test_a_child_ends_with_its_killed_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while child.exists() and child.joinpath("stat").read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not child.exists() or child.joinpath("stat").read_text().split()[2] == "Z"
