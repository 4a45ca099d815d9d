"""Previews of datasets in kedro-viz, which recognises the names of these types."""

import hashlib
import html
import io
import json
import zipfile
from typing import Any, NewType

from spline_lstm.reporting.page import to_html

HTMLPreview = NewType("HTMLPreview", str)
JSONPreview = NewType("JSONPreview", str)
PlotlyPreview = NewType("PlotlyPreview", dict[str, Any])
TablePreview = NewType("TablePreview", dict[str, Any])

# kedro-viz looks for Markdown in HTML too: it would take a pair of these for emphasis, and a newline for a break.
_LOOKALIKES = str.maketrans({"_": "ˍ", "*": "∗", "`": "ˋ", "\n": " "})


def show_text(text: str, suffix: str) -> HTMLPreview:
    """Show a text: Markdown and HTML rendered, all else line by line."""
    if suffix == ".md":
        shown = to_html(text)
    elif suffix == ".html":
        shown = text.partition("<main>")[2].partition("</main>")[0]
    else:
        shown = "".join(f"<div>{html.escape(line)}</div>" for line in text.splitlines())
    return HTMLPreview(shown.translate(_LOOKALIKES))


def show_model(content: bytes) -> JSONPreview:
    """Show input shape and layers of a `.keras` archive; show other files by size and hash only."""
    shown: dict[str, Any] = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            layers = json.loads(archive.read("config.json"))["config"]["layers"]
        shown["input_shape"] = layers[0]["config"]["batch_shape"][1:]
        shown["layers"] = [
            {"name": layer["config"]["name"], "kind": layer["class_name"]}
            | {key: layer["config"][key] for key in ("units", "rate") if key in layer["config"]}
            for layer in layers
        ]
    return JSONPreview(json.dumps(shown))
