"""The pipelines by name; `kedro run` without a name runs the main job."""

import importlib

from kedro.framework import project
from kedro.pipeline import Pipeline

from spline_lstm.errors import ParameterError
from spline_lstm.pipelines import MAIN_JOB
from spline_lstm.pipelines.listing import find_pipelines
from spline_lstm.pipelines.plan import note_pipelines_made
from spline_lstm.text import examples, nearest


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline under `pipelines/`, and the main job as the default.

    A project made from the starter has these pipelines and those of its own package. If the command line names
    pipelines, only those are imported.

    Raises:
        ParameterError: The command line names an unknown pipeline.
        Exception: A pipeline raises it during its import.

    """
    note_pipelines_made()
    modules = find_pipelines()
    asked = project.pipelines._requested_pipelines
    names = modules if asked is None or "__default__" in asked else asked
    if unknown := [name for name in names if name not in modules]:
        raise ParameterError(
            f"pipeline '{unknown[0]}' is unknown{nearest(unknown[0], modules)}; known: {examples(sorted(modules))}"
        )
    pipelines: dict[str, Pipeline] = {name: importlib.import_module(modules[name]).create_pipeline() for name in names}
    if all(name in pipelines for name in MAIN_JOB):
        pipelines["__default__"] = sum((pipelines[name] for name in MAIN_JOB), start=Pipeline([]))
    return pipelines
