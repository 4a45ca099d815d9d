"""The main job runs on this project's table."""

from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

PROJECT = Path(__file__).parents[1]


def test_the_main_job_runs() -> None:
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT, env="ci") as session:
        session.run()
        catalog = session.load_context().catalog
        assert catalog.load("metrics")["test"]["windows"] > 0
        assert "model.onnx" in catalog.load("exported_models")
