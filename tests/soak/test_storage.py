"""Runs on a storage that fills up at some moment, or is read-only: real ones, where the system lets us mount them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

SMALL = "input_path=data/01_raw/small.csv,run_id=one,lookback=6,horizon=3,hidden_units=4,epochs=1,export_formats=onnx"
KEDRO = [str(Path(sys.executable).parent / "kedro"), "run", "--params", SMALL]
KILOBYTES = (8, 16, 64, 96, 128, 160, 192, 224)
"""Sizes of which none holds the whole run; the first lacks room for the first artifact, the last for the last ones."""
REPEATABLE = (
    "processed.npz", "preprocessor.pkl", "meta.json", "filled_series.parquet",
    "model.keras", "last.keras", "predictions.parquet", "metrics.json",
)  # fmt: skip
Note = Callable[[str, int, str], None]


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[None]:
    """Put a storage in memory in the place of a folder, with what the folder holds."""
    held = folder.with_name("held")
    shutil.copytree(folder, held)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        shutil.copytree(held, folder, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        shutil.rmtree(held)


def type_command(workspace: Path) -> tuple[int, list[str]]:
    """Return the exit code, and the lines on stderr."""
    done = subprocess.run(KEDRO, cwd=workspace, capture_output=True, text=True, timeout=600, check=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stderr.splitlines()


def files_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_whole(data: Path, reference: dict[str, str]) -> None:
    """Every file under its own name is the one of a run with room enough, or holds times and can be read."""
    for path, digest in files_below(data).items():
        assert path in reference, path
        if Path(path).name in REPEATABLE:
            assert digest == reference[path], path
        elif path.endswith(".json"):
            json.loads((data / path).read_text())


def test_a_run_on_a_storage_that_fills_up_is_refused_and_leaves_nothing_half_written(
    make_workspace: Callable[[], Path], note: Note
) -> None:
    whole = make_workspace()
    assert type_command(whole)[0] == 0
    reference = files_below(whole / "data")
    workspace = make_workspace()
    for kilobytes in KILOBYTES:
        with mounted(workspace / "data", f"{kilobytes}k"):
            exit_code, errors = type_command(workspace)
            assert (exit_code, len(errors)) == (60, 1), errors
            assert errors[0].startswith("Error: data/")
            assert errors[0].endswith("cannot be written: No space left on device")
            check_whole(workspace / "data", reference)
    note("a storage that fills up, of 8 to 224 kB", len(KILOBYTES), f"60: {len(KILOBYTES)}; nothing half-written")


def test_a_run_on_a_read_only_storage_is_refused_and_changes_nothing(
    make_workspace: Callable[[], Path], note: Note
) -> None:
    workspace = make_workspace()
    data, before = workspace / "data", files_below(workspace / "data")
    with mounted(data, "4m"):
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        assert type_command(workspace) == (60, ["Error: data cannot be written: Read-only file system"])
        assert files_below(data) == before
    note("a read-only storage", 1, "60; nothing left")
