"""The list of pipelines, found without importing any."""

import ast
from contextlib import suppress
from importlib import resources

from kedro.framework import project


def find_pipelines() -> dict[str, str]:
    """Return every pipeline's name and module: each is a folder with a `pipeline.py`.

    A project made from the starter has these pipelines too, beside those of its own package.
    """
    return {
        folder.name: f"{package}.pipelines.{folder.name}"
        for package in ("spline_lstm", project.PACKAGE_NAME or "spline_lstm")
        for folder in resources.files(f"{package}.pipelines").iterdir()
        if folder.joinpath("pipeline.py").is_file()
    }


def describe_pipelines() -> dict[str, str]:
    """Return every pipeline's name and the first line of its module's docstring, empty if it cannot be read."""
    described = {}
    for name, module in find_pipelines().items():
        source = resources.files(module.rpartition(".")[0]).joinpath(name, "__init__.py")
        described[name] = ""
        with suppress(OSError, SyntaxError, ValueError):
            text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
            described[name] = text.partition("\n")[0]
    return described
