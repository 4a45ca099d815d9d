"""Count the instructions of exported C files on a Cortex-M4 under QEMU, and compare its forecast with this machine's.

    python -m tests.benchmarks.cortex_m data/06_models/<run id>/edge

It needs `qemu-system-arm`, `arm-none-eabi-gcc` with newlib, and `cc`.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spline_lstm.edge.c_tables import Columns, table
from spline_lstm.edge.contract import CONTRACT_FILE, EdgeContract
from spline_lstm.temporary import temporary_folder

TOOLS = ("qemu-system-arm", "arm-none-eabi-gcc", "arm-none-eabi-size", "cc")
_HERE = Path(__file__).parent
_FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror")
_BOARD = (
    "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard", "-ffunction-sections", "-Wl,--gc-sections",
    "-specs=rdimon.specs", "-T", str(_HERE / "board.ld"),
)  # fmt: skip
_QEMU = (
    "qemu-system-arm", "-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none",
    "-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel",
)  # fmt: skip


@dataclass(frozen=True)
class Count:
    """What a C file takes on the board.

    Attributes:
        code_bytes, constant_bytes: Of the compiled file.
        step, forecast: Instructions of a step that is pushed, and of a forecast.
        difference: Largest difference from this machine's forecast, relative to the scale of its target.

    """

    code_bytes: int
    constant_bytes: int
    step: int
    forecast: int
    difference: float


def count(source: Path) -> Count:
    """Compile a C file for the board, run it there, and compare.

    Args:
        source: The file; its header and `contract.json` lie beside it.

    """
    contract = EdgeContract.from_text((source.parent / CONTRACT_FILE).read_text(), CONTRACT_FILE)
    with temporary_folder() as folder:
        (folder / "inputs.h").write_text(make_inputs(contract, source.with_suffix(".h").name))
        files = (f"-I{folder}", f"-I{source.parent}", str(_HERE / "board.c"), str(source))
        _run("cc", *_FLAGS, *files, "-o", str(folder / "here"), "-lm")
        _run("arm-none-eabi-gcc", *_FLAGS, *_BOARD, *files, "-o", str(folder / "board.elf"), "-lm")
        _run("arm-none-eabi-gcc", *_FLAGS, *_BOARD[:4], "-c", str(source), "-o", str(folder / "model.o"))
        sections = _run("arm-none-eabi-size", "-A", str(folder / "model.o"))
        here = _numbers(_run(str(folder / "here")))
        board = _numbers(_run(*_QEMU, str(folder / "board.elf")))
    if here[0] or board[0]:
        raise SystemExit(f"{source}: the forecaster returns {here[0]:g} here and {board[0]:g} on the board")
    scale = [_state_of(contract, name)["scale"] for name in contract.target_names]
    difference = np.abs(board[3:] - here[3:]).reshape(-1, len(scale)) / scale
    return Count(
        _bytes_of(sections, "text"),
        _bytes_of(sections, "rodata"),
        int(board[1]),
        int(board[2]),
        float(difference.max()),
    )


def make_inputs(contract: EdgeContract, header: str) -> str:
    """Write a history of likely values, the same every time, as a C header."""
    names, random = Columns(contract).inputs, np.random.default_rng(0)
    rows = []
    for _ in range(contract.steps_kept):
        states = [_state_of(contract, name) for name in names]
        values = [
            float(random.integers(len(state["categories"]) + 1))
            if "categories" in state
            else state.get("center", 0.0) + state.get("scale", 1.0) * random.normal()
            for state in states
        ]
        rows.append("{" + ", ".join(f"{value:.9e}f" for value in values) + "}")
    series = next(iter(next(iter(contract.series_scalers.values()), {})), "")
    labels = [f'"{next(iter(codes), "")}"' for codes in contract.static_codes.values()]
    return "\n".join(
        [
            f'#include "{header}"',
            f"#define STEP_SECONDS {round(contract.step_seconds or 86400)}",
            f'static const char *const series = "{series}";',
            f"static const char *const categories[] = {{{', '.join([*labels, '0'])}}};",
            table("static const float inputs[MODEL_STEPS_KEPT][MODEL_INPUTS]", rows),
        ]
    )


def _state_of(contract: EdgeContract, name: str) -> dict[str, Any]:
    """Return how a feature is scaled, in the first series where each has its own scale."""
    own = next(iter(contract.series_scalers.get(name, {}).values()), None)
    return contract.scalers.get(name, {}) if own is None else {"center": own[0], "scale": own[1]}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def _numbers(printed: str) -> np.ndarray:
    return np.array(printed.split(), dtype=float)


def _bytes_of(sections: str, name: str) -> int:
    return sum(int(found[1]) for found in re.finditer(rf"^\.{name}\S*\s+(\d+)", sections, re.MULTILINE))


def main(folder: Path) -> None:
    """Print a table of the C files of a folder."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"{', '.join(missing)} is not on the path")
    print("| file | code, bytes | constants, bytes | instructions of a step | of a forecast | difference, sigma |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for source in sorted(folder.glob("model*.c")):
        found = count(source)
        print(
            f"| {source.name} | {found.code_bytes:,} | {found.constant_bytes:,} | {found.step:,} | "
            f"{found.forecast:,} | {found.difference:.1e} |"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
