"""The tutorial, executed: every command in order, and what it says comes out."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

TUTORIAL = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(sh|python|text)\n(.*?)^```$", TUTORIAL, flags=re.MULTILINE | re.DOTALL)
COMMANDS = {"sh": ["bash", "-euo", "pipefail"], "python": [sys.executable]}
NUMBER = re.compile(r"\d+(?:\.\d*)?")


def execute(kind: str, text: str, workspace: Path) -> str:
    """Run a block and return what it prints; what fails is shown as a person would see it."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env.pop("KEDRO_ENV", None)
    done = subprocess.run(
        COMMANDS[kind], input=text, cwd=workspace, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def is_shown(line: str, printed: str) -> bool:
    """Whether a line begins as one that was printed; numbers may differ as those of two machines do."""
    for other in printed.splitlines():
        pairs = list(zip(NUMBER.findall(line), NUMBER.findall(other), strict=False))
        if NUMBER.sub("0", other).startswith(NUMBER.sub("0", line.strip())) and all(
            np.isclose(float(a), float(b), rtol=0.1) for a, b in pairs
        ):
            return True
    return False


@pytest.fixture(scope="module")
def printed(make_workspace: Callable[[], Path]) -> list[tuple[str, str]]:
    """Each block of expected text, with what the commands above it printed."""
    workspace = make_workspace()
    (workspace / "conf" / "local" / "parameters.yml").unlink(missing_ok=True)
    found, output = [], ""
    for kind, text in BLOCKS:
        if kind == "text":
            found.append((text, output))
        else:
            output = execute(kind, text, workspace)
    return found


def test_what_the_tutorial_says_comes_out(printed: list[tuple[str, str]]) -> None:
    for expected, output in printed:
        for line in expected.splitlines():
            assert is_shown(line, output), f"not printed: {line}\n{output}"


@pytest.mark.parametrize(
    ("line", "output", "shown"),
    [
        ("| ridge | 7.1", "| ridge | 7.05 | 100 |", True),
        ("| ridge | 7.1", "| ridge | 9.05 | 100 |", False),
        ("the same: False", "first\nthe same: False", True),
        ("the same: False", "the same: True", False),
    ],
)
def test_lines_are_compared_with_room_for_the_last_digits(line: str, output: str, shown: bool) -> None:
    assert is_shown(line, output) is shown
