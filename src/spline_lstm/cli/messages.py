"""Messages about mistaken options: Kedro's errors, reworded to name the likely intention."""

import re
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import kedro.runner
from kedro.config import MissingConfigException
from kedro.framework.project import pipelines
from kedro.io import DatasetError
from kedro.pipeline import Pipeline
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from spline_lstm.text import examples, nearest

_SHOWN = 12
_MISTAKES = (
    AttributeError,
    ImportError,
    LookupError,
    TypeError,
    ValueError,
    DatasetError,
    MissingConfigException,
    OmegaConfBaseException,
    YAMLError,
)
"""Exceptions of Kedro for wrong options or configuration."""
_READERS = {"antlr4", "attr", "click", "dynaconf", "fsspec", "omegaconf", "parse", "pluggy", "pydantic", "yaml"}
"""Packages with which Kedro reads options and configuration."""
_WAY_IN = {
    f"spline_lstm.{name}"
    for name in ("cli.command", "hooks.run", "project.catalog", "project.context", "pipeline_registry")
}
"""Modules of the project that call Kedro before a pipeline runs."""


def is_mistake(error: Exception) -> bool:
    """Tell a mistake in the options or the configuration from a bug.

    An error is a mistake if Kedro raised it and only the modules of `_WAY_IN` called Kedro, no pipeline and no hook.
    """
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    known = all(module in _WAY_IN or _is_kedros(module) for module in modules)
    return isinstance(error, _MISTAKES) and known and modules[-1] not in _WAY_IN


def _is_kedros(module: str) -> bool:
    """Tell whether a module belongs to Kedro, its plugins, or packages that they call; generated code has no name."""
    package = module.partition(".")[0]
    return not package or package.startswith("kedro") or package in _READERS or package in sys.stdlib_module_names


def in_words(error: Exception, options: Mapping[str, Any]) -> str:
    """Return the message for a mistake in the options or the configuration.

    Args:
        error: What Kedro raised before a pipeline ran.
        options: The options of `kedro run`, by the names of its parameters.

    """
    message = str(error)
    for pattern, explain in _EXPLANATIONS.items():
        found = re.search(pattern, message)
        if found:
            return explain(found.group(1), options)
    if isinstance(error, AttributeError | ImportError | LookupError | TypeError):
        return f"the options or the configuration cannot be used: {message}"
    return message


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    listed = f"; known: {examples(sorted(known), _SHOWN)}" if known else ""
    return f"{kind} '{name}' is unknown{nearest(name, known)}{listed}"


def _asked(options: Mapping[str, Any]) -> Pipeline:
    """Return the sum of the pipelines that the options name."""
    names = options.get("pipelines") or [options.get("pipeline") or "__default__"]
    return sum((pipelines[name] for name in names), start=Pipeline([]))


def _first(names: str) -> str:
    """Return the first name of a list as Python prints it."""
    found = re.search(r"'([^']*)'|\"([^\"]*)\"", names)
    return (found[1] or found[2] or "") if found else names


def _unknown_nodes(names: str, options: Mapping[str, Any]) -> str:
    return _unknown("node", _first(names), {node.name for node in _asked(options).nodes})


def _unknown_datasets(names: str, options: Mapping[str, Any]) -> str:
    datasets = {name for name in _asked(options).datasets() if not name.startswith(("params:", "parameters"))}
    return _unknown("dataset", _first(names), datasets)


def _unknown_namespaces(names: str, options: Mapping[str, Any]) -> str:
    return _unknown("namespace", _first(names), {node.namespace for node in _asked(options).nodes if node.namespace})


def _unknown_environment(path: str, _options: Mapping[str, Any]) -> str:
    folder = Path(path)
    return _unknown("environment", folder.name, {item.name for item in folder.parent.glob("*/")})


def _unknown_runner(name: str, _options: Mapping[str, Any]) -> str:
    return _unknown("runner", name, set(kedro.runner.__all__) - {"AbstractRunner", "Task"})


def _nothing_left(_: str, options: Mapping[str, Any]) -> str:
    if options.get("tags") and not any(node.tags for node in _asked(options).nodes):
        return "no node has a tag; choose nodes with --nodes, --from-nodes or --to-nodes"
    return "no node fits all of the options; leave one of them out"


def _unknown_pipeline(name: str, _options: Mapping[str, Any]) -> str:
    return _unknown("pipeline", name, set(pipelines) - {"__default__"})


_EXPLANATIONS: dict[str, Callable[[str, Mapping[str, Any]], str]] = {
    r"does not contain nodes named (\[.*\])": _unknown_nodes,
    r"does not contain datasets named (\[.*\])": _unknown_datasets,
    r"nodes with the following namespaces: (\[.*\])": _unknown_namespaces,
    r"Given configuration path either does not exist or is not a valid directory: (.+)": _unknown_environment,
    r"Failed to find the pipeline named '(.+?)'": _unknown_pipeline,
    r"module 'kedro\.runner' has no attribute '(\w+)'": _unknown_runner,
    r"(contains no nodes) after applying all provided filters": _nothing_left,
}
"""Pattern of Kedro's message, with a group for the mistake, to the project's message."""
