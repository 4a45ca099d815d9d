"""What datasets show in kedro-viz."""

import io
import json
import zipfile
from pathlib import Path
from typing import get_type_hints

import pytest

from spline_lstm.datasets import BytesDataset, FilesDataset, TextDataset
from spline_lstm.errors import Failure

NETWORK = {
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"name": "window", "batch_shape": [None, 24, 1]}},
            {"class_name": "LSTM", "config": {"name": "recurrent_0", "units": 16}},
        ]
    }
}


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("report.md", "# Run\n\n**Level.**", "<h1>Run</h1> <p><strong>Level.</strong></p>"),
        ("report.html", "<head><style>x</style></head><main><p>Level</p></main>", "<p>Level</p>"),
        ("parameters.yml", "a: 1\nb: <2>", "<div>a: 1</div><div>b: &lt;2&gt;</div>"),
        ("card.md", "`seasonal_naive` *", "<p><code>seasonalˍnaive</code> ∗</p>"),
    ],
)
def test_a_text_is_shown_as_it_reads(name: str, text: str, shown: str, tmp_path: Path) -> None:
    dataset = TextDataset(filepath=str(tmp_path / name))
    dataset.save(text)
    assert dataset.preview() == shown
    assert get_type_hints(TextDataset.preview)["return"].__name__ == "HTMLPreview"


def test_a_model_shows_what_it_takes_and_is_made_of(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(NETWORK))
    dataset = BytesDataset(filepath=str(tmp_path / "model.keras"))
    dataset.save(buffer.getvalue())
    shown = json.loads(dataset.preview())
    assert shown["input_shape"] == [24, 1]
    assert shown["layers"][1] == {"name": "recurrent_0", "kind": "LSTM", "units": 16}


def test_a_failed_cell_shows_why(tmp_path: Path) -> None:
    dataset = BytesDataset(filepath=str(tmp_path / "model.keras"))
    dataset.save(Failure("the loss is no longer a number", 30))
    assert json.loads(dataset.preview())["message"] == "the loss is no longer a number"


def test_exported_files_show_their_contract_and_without_one_their_hashes(tmp_path: Path) -> None:
    dataset = FilesDataset(filepath=str(tmp_path))
    dataset.save({"model.onnx": b"model"})
    assert list(json.loads(dataset.preview())) == ["model.onnx"]
    dataset.save({"model.onnx": b"model", "contract.json": b'{"lookback": 24}'})
    assert json.loads(dataset.preview()) == {"lookback": 24}
