"""A C file gives on a Cortex-M what it gives on this machine."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks.cortex_m import TOOLS, count

from spline_lstm.edge.c_file import make_c_files
from spline_lstm.edge.contract import CONTRACT_FILE

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason="QEMU or a compiler for Cortex-M is not installed"
)


def test_the_board_forecasts_what_this_machine_does_and_its_instructions_are_counted(
    trained: Any, tmp_path: Path
) -> None:
    (tmp_path / CONTRACT_FILE).write_text(trained.contract.to_text())
    for name, content in make_c_files(trained.model.network, trained.contract).items():
        (tmp_path / name).write_bytes(content)
    found = count(tmp_path / "model.c")
    assert found.difference < 1e-5
    assert 3 * trained.reference.macs < found.forecast < 30 * trained.reference.macs
    assert found.constant_bytes > 4 * trained.reference.params
