"""Every command that the program prints works when it is pasted into a shell, one after another."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
TABLE = "data/01_raw/my table [1].csv"  # a path that has to be quoted


@pytest.fixture
def paste(make_workspace: Callable[[], Path]) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Paste a command into a shell, in a project whose models are small and quickly trained."""
    workspace = make_workspace()
    parameters = workspace / "conf" / "base" / "parameters.yml"
    content = re.sub(r"^epochs: \d+", "epochs: 1", parameters.read_text(), flags=re.MULTILINE)
    parameters.write_text(re.sub(r"^hidden_units: \[64\]", "hidden_units: [4]", content, flags=re.MULTILINE))
    (workspace / "data" / "01_raw" / "small.csv").rename(workspace / TABLE)
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=workspace,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def next_command(printed: str) -> str:
    """The command of the last line that says what to type next."""
    return re.findall(r"^Next +(.*?)(?:  #.*)?$", printed, flags=re.MULTILINE)[-1]


@pytest.mark.parametrize(
    ("first", "followed_by"),
    [
        (f"kedro run --pipeline=describe --params 'input_path={TABLE}'", ["cp ", "--pipeline=forecasting", "viz run"]),
        (
            f"kedro run --pipeline=preprocessing --params 'input_path={TABLE},lookback=6,horizon=3,run_id=mine'",
            ["--pipeline=modelling", "--pipeline=edge_poc", "--pipeline=forecasting", "viz run"],
        ),
    ],
)
def test_what_is_printed_as_next_can_be_pasted_up_to_a_forecast(
    paste: Callable[[str], subprocess.CompletedProcess[str]], first: str, followed_by: list[str]
) -> None:
    command = first
    for expected in followed_by:
        done = paste(command)
        assert (done.returncode, done.stderr) == (0, ""), command
        command = next_command(done.stdout)
        assert expected in command


def test_the_command_that_makes_what_is_missing_can_be_pasted(
    paste: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    asked = f"kedro run --pipeline=modelling --params 'input_path={TABLE},lookback=6,horizon=3,run_id=mine'"
    refused = paste(asked)
    assert refused.returncode == 20
    made = paste(refused.stderr.strip().partition("make it with: ")[2])
    assert (made.returncode, made.stderr) == (0, "")
    assert paste(asked).returncode == 0
