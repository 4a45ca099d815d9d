"""Mistaken options are answered with the name that was probably meant."""

from pathlib import Path
from typing import Any

import pytest
from kedro.pipeline import Node, Pipeline

from spline_lstm.cli import messages
from spline_lstm.cli.messages import in_words


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small pipelines, one of them with a namespace."""
    training = Pipeline([Node(lambda *_: None, ["windows", "params:model"], "model", name="train_model")])
    cells = Pipeline(training, namespace="gru-1")
    monkeypatch.setattr(messages, "pipelines", {"__default__": training, "cells": cells})


@pytest.mark.parametrize(
    ("message", "options", "words"),
    [
        (
            "Pipeline does not contain nodes named ['train_modle'].", {},
            "node 'train_modle' is unknown; did you mean 'train_model'?; known: train_model",
        ),
        (
            "Pipeline does not contain nodes named ['train_model'].", {"pipeline": "cells"},
            "node 'train_model' is unknown; did you mean 'gru-1.train_model'?; known: gru-1.train_model",
        ),
        (
            "Pipeline does not contain datasets named ['modle']", {},
            "dataset 'modle' is unknown; did you mean 'model'?; known: model, windows",
        ),
        (
            "Pipeline does not contain nodes with the following namespaces: ['gru-2']", {"pipelines": ["cells"]},
            "namespace 'gru-2' is unknown; did you mean 'gru-1'?; known: gru-1",
        ),
        (
            "module 'kedro.runner' has no attribute 'ParalelRunner'", {},
            "runner 'ParalelRunner' is unknown; did you mean 'ParallelRunner'?; "
            "known: ParallelRunner, SequentialRunner, ThreadRunner",
        ),
        (
            "Pipeline contains no nodes after applying all provided filters.", {"tags": ["slow"]},
            "no node has a tag; choose nodes with --nodes, --from-nodes or --to-nodes",
        ),
        (
            "Pipeline contains no nodes after applying all provided filters.", {},
            "no node fits all of the options; leave one of them out",
        ),
        ("'a'", {}, "the options or the configuration cannot be used: 'a'"),
    ],
)  # fmt: skip
def test_a_mistake_in_words(message: str, options: dict[str, Any], words: str) -> None:
    assert in_words(AttributeError(message), options) == words


def test_an_unknown_environment_is_named_without_its_path(tmp_path: Path) -> None:
    for name in ("base", "ci"):
        (tmp_path / name).mkdir()
    message = f"Given configuration path either does not exist or is not a valid directory: {tmp_path / 'cii'}"
    words = "environment 'cii' is unknown; did you mean 'ci'?; known: base, ci"
    assert in_words(ValueError(message), {}) == words
