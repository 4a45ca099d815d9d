"""TFLite files in the interpreter for microcontrollers; needs the extra `micro`.

The interpreter prints its allocations, and a refused file may end its process. So it runs in a child process: run as a
module, this file is the child.
"""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from spline_lstm.children import end_with_parent
from spline_lstm.temporary import temporary_folder
from spline_lstm.types import Float32

_ARENA = re.compile(r"Arena allocation total (\d+) bytes")
_TIMEOUT_SECONDS = 300


def run_micro(content: bytes, windows: Float32) -> tuple[Float32, int] | None:
    """Run windows through the interpreter.

    Args:
        content: The file.
        windows: Shape `(n, lookback, features)`.

    Returns:
        The forecasts, `(n, horizon * targets)`, and the size of the arena in bytes; None if the interpreter refuses the
        file or is not installed.

    """
    if not has_micro():
        return None
    with temporary_folder() as folder:
        (folder / "model.tflite").write_bytes(content)
        np.save(folder / "windows.npy", windows)
        command = [sys.executable, "-m", "spline_lstm.edge.micro", str(folder), str(os.getpid())]
        try:
            child = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return None
        arena = _ARENA.search(child.stdout + child.stderr)
        if child.returncode or arena is None:
            return None
        return np.load(folder / "forecasts.npy"), int(arena[1])


def has_micro() -> bool:
    """Whether the extra `micro` is installed."""
    return find_spec("tflite_micro") is not None


def _child(folder: Path) -> None:
    from tflite_micro import runtime

    interpreter: Any = runtime.Interpreter.from_bytes((folder / "model.tflite").read_bytes())
    forecasts = []
    for window in np.load(folder / "windows.npy"):
        interpreter.set_input(window[None], 0)
        interpreter.invoke()
        forecasts.append(interpreter.get_output(0).copy())
    np.save(folder / "forecasts.npy", np.concatenate(forecasts))
    interpreter.print_allocations()


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    _child(Path(sys.argv[1]))
