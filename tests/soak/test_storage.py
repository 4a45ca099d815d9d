"""Runs on a storage that fills up at some moment, or that is read-only: real ones, where the system lets us mount them."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

SMALL = "input_path=data/01_raw/small.csv,run_id=one,lookback=6,horizon=3,hidden_units=4,epochs=1,export_formats=onnx"
KEDRO = [str(Path(sys.executable).parent / "kedro"), "run", "--params", SMALL]
KILOBYTES = (8, 12, 16, 32, 64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640)
Note = Callable[[str, int, str], None]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Put a storage in memory in the place of a folder, with what the folder holds."""
    held = folder.with_name("held")
    shutil.copytree(folder, held)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        shutil.copytree(held, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(held)


def type_command(workspace: Path) -> tuple[int, str]:
    done = subprocess.run(KEDRO, cwd=workspace, capture_output=True, text=True, timeout=600, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stderr


def files_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_on_a_storage_that_fills_up_is_refused_and_leaves_nothing_half_written(
    make_workspace: Callable[[], Path], note: Note
) -> None:
    workspace = make_workspace()
    data, seen = workspace / "data", Counter[str]()
    for kilobytes in KILOBYTES:
        with mounted(data, f"size={kilobytes}k"):
            exit_code, stderr = type_command(workspace)
            left = files_below(data)
            assert exit_code in (0, 60), stderr
            seen[f"{exit_code}"] += 1
            if exit_code == 60:
                assert len(stderr.splitlines()) == 1
                assert stderr.startswith("Error: data/")
                assert stderr.strip().endswith("No space left on device")
            assert [path for path in left if Path(path).name.startswith(".") or path.endswith((".tmp", ".lock"))] == []
            for path, digest in left.items():
                check_whole(data / path, digest)
    assert seen["0"], "no storage was large enough for a whole run"
    note("a storage that fills up, of 8 to 640 kB", len(KILOBYTES), seen_in_words(seen) + "; nothing half-written")


def check_whole(path: Path, digest: str) -> None:
    """A file is whole where those that hold hashes of others agree with it, and where it can be read."""
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        described = content if path.name == "index.json" else content.get("sha256", {}) if path.name == "meta.json" else {}
        for name, expected in described.items():
            assert sha256((path.parent / name).read_bytes()).hexdigest() == expected, f"{path} describes another {name}"
    elif path.suffix != ".npz":
        assert path.stat().st_size > 0, digest


def seen_in_words(seen: Counter[str]) -> str:
    return ", ".join(f"{code}: {count}" for code, count in sorted(seen.items()))


def test_a_run_on_a_read_only_storage_is_refused_and_changes_nothing(
    make_workspace: Callable[[], Path], note: Note
) -> None:
    workspace = make_workspace()
    data, before = workspace / "data", files_below(workspace / "data")
    with mounted(data, "size=4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        exit_code, stderr = type_command(workspace)
        assert (exit_code, stderr.splitlines()) == (60, ["Error: data cannot be written: Read-only file system"])
        assert files_below(data) == before
    note("a read-only storage", 1, "60; nothing left")
