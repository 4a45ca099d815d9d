"""The pipelines by name; `kedro run` without a name runs the main job."""

from kedro.framework.project import find_pipelines
from kedro.pipeline import Pipeline

MAIN_JOB = ("preprocessing", "modelling", "edge_poc")


def register_pipelines() -> dict[str, Pipeline]:
    """Return every pipeline under `pipelines/`, and the main job as the default."""
    pipelines = find_pipelines(raise_errors=True)
    if all(name in pipelines for name in MAIN_JOB):
        pipelines["__default__"] = sum((pipelines[name] for name in MAIN_JOB), start=Pipeline([]))
    return pipelines
