"""C forecasters, compiled with the system's compiler and run in this process."""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np

from spline_lstm.edge.c_file import contract_in
from spline_lstm.edge.runtime import Run
from spline_lstm.errors import ExportError
from spline_lstm.temporary import temporary_folder
from spline_lstm.types import Float32

_COMPILER = "cc"
_WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
_SIZES = ("HORIZON", "TARGETS", "WORK")
_STATE_BYTES = "model_state_bytes"


def has_compiler() -> bool:
    """Whether there is a C compiler on the path."""
    return shutil.which(_COMPILER) is not None


def open_c(content: bytes, source: str) -> tuple[Run, str | None]:
    """Compile a C file that contains its header; return a function that runs its network, and its contract.

    Raises:
        ExportError: The compiler refuses it.

    """
    text = content.decode()
    with temporary_folder() as folder:
        built = folder / "model.so"
        _compile(text, built, "-O3", "-march=native", "-shared", "-fPIC", "-lm", source=source)
        network = ctypes.CDLL(str(built)).model_run
    network.argtypes, network.restype = [ctypes.c_void_p] * 3, None
    horizon, targets, work_size = (_size(text, size) for size in _SIZES)
    work = np.empty(max(work_size, 1), dtype=np.float32)

    def run(window: Float32) -> Float32:
        given, forecast = np.ascontiguousarray(window), np.empty((1, horizon * targets), dtype=np.float32)
        network(given.ctypes.data, forecast.ctypes.data, work.ctypes.data)
        return forecast

    return run, contract_in(text)


def measure_footprint(content: bytes) -> dict[str, int]:
    """Measure the memory of a C file that is compiled for size on this machine.

    Returns:
        Bytes: `code`, `constants`, `stack` (an upper bound: the sum over all functions), and `state`, which the caller
            provides for each series.

    Raises:
        ExportError: The compiler refuses the file.

    """
    symbol = f"const unsigned long {_STATE_BYTES}"
    text = f"{content.decode()}\nextern {symbol};\n{symbol} = sizeof(model_state);\n"
    with temporary_folder() as folder:
        built, probe = folder / "model.o", folder / "probe.so"
        _compile(text, probe, "-shared", "-fPIC", "-lm", source="the C file")
        state = ctypes.c_ulong.in_dll(ctypes.CDLL(str(probe)), _STATE_BYTES).value
        _compile(content.decode(), built, "-Os", "-c", "-fstack-usage", source="the C file")
        stack = sum(int(line.split("\t")[1]) for line in built.with_suffix(".su").read_text().splitlines())
        sections = subprocess.run(["size", "-A", str(built)], capture_output=True, text=True, check=True).stdout
    return {
        "code": _section_bytes(sections, "text"),
        "constants": _section_bytes(sections, "rodata|data"),
        "stack": stack,
        "state": state,
    }


def _section_bytes(sections: str, names: str) -> int:
    """Sum the sections with this prefix in the output of `size -A`."""
    return sum(int(found[1]) for found in re.finditer(rf"^\.(?:{names})\S*\s+(\d+)", sections, re.MULTILINE))


def _compile(text: str, built: Path, *options: str, source: str) -> None:
    path = built.with_suffix(".c")
    path.write_text(text)
    libraries = [option for option in options if option.startswith("-l")]
    others = [option for option in options if option not in libraries]
    command = [_COMPILER, *_WARNINGS, *others, "-o", str(built), str(path), *libraries]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
        raise ExportError(f"{source} does not compile: {words}")


def _size(text: str, name: str) -> int:
    found = re.search(rf"^#define MODEL_{name} (\d+)$", text, re.MULTILINE)
    if found is None:
        raise ExportError(f"the C file does not say MODEL_{name}")
    return int(found[1])
