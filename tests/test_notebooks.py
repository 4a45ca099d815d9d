"""Notebooks come without outputs and read through the catalog; CI executes them."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_outputs(path: Path) -> None:
    assert [(cell["outputs"], cell["execution_count"]) for cell in code_cells(path)] == [([], None)] * len(
        code_cells(path)
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_no_file_itself(path: Path) -> None:
    text = "".join("".join(cell["source"]) for cell in code_cells(path))
    assert "catalog.load(" in text
    assert not any(call in text for call in ('open("', "read_csv", "read_parquet", "Path("))
