"""The pipelines by name; `kedro run` without a name runs the main job."""

import re
from pathlib import Path

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

from spline_lstm.errors import ParameterError
from spline_lstm.pipelines import MAIN_JOB
from spline_lstm.pipelines.plan import note_pipelines_made
from spline_lstm.text import examples, nearest


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline under `pipelines/`, and the main job as the default.

    Raises:
        ParameterError: The command line asks for a pipeline that is not there.
        Exception: What a pipeline raises while it is imported.

    """
    note_pipelines_made()
    try:
        pipelines = find_pipelines(raise_errors=True)
    except ImportError as error:
        if error.__cause__:  # a pipeline that is there and fails
            raise error.__cause__ from None
        raise ParameterError(_unknown_pipeline(str(error))) from None
    if all(name in pipelines for name in MAIN_JOB):
        pipelines["__default__"] = sum((pipelines[name] for name in MAIN_JOB), start=Pipeline([]))
    return pipelines


def _unknown_pipeline(message: str) -> str:
    """Say which pipelines there are; Kedro's message names the module that it looked for."""
    known = sorted(path.parent.name for path in Path(__file__).parent.glob("pipelines/*/pipeline.py"))
    found = re.search(r"\.pipelines\.(.+)' module", message)
    name = found.group(1) if found else message
    return f"pipeline '{name}' is unknown{nearest(name, known)}; known: {examples(known)}"
