"""The model type of the page `docs/how-to/add-a-model-type.md`, as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.runtime import open_onnx
from spline_lstm.models.registry import MODELS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-model-type.md"


@pytest.fixture
def made_from_page(monkeypatch: pytest.MonkeyPatch, make_tiny: Callable[..., Any]) -> Any:
    """Run the page's file and register its class."""
    found = re.search(r"^```python\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert found
    names: dict[str, Any] = {"__name__": "spline_lstm.models.mlp"}
    exec(compile(found[1], str(PAGE), "exec"), names)
    monkeypatch.setitem(MODELS, "mlp", names["MLPModel"])
    return make_tiny("mlp", features=2, linear_path="ridge")


def test_the_type_of_the_page_trains_and_exports(made_from_page: Any, make_windows: Callable[..., Any]) -> None:
    X, y = make_windows(features=2)
    made_from_page.fit_model((X, y), (X, y), epochs=2, batch_size=8, patience=2)
    run, _ = open_onnx(make_onnx(made_from_page.network, {}), "model.onnx")
    np.testing.assert_allclose(run(X[:1]), made_from_page.predict(X[:1]), atol=1e-5)
