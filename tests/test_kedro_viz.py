"""What kedro-viz shows of the project."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

# As settings.py says; what it says holds for the first test of a process only.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance")


@pytest.fixture(scope="module")
def graphs(project: Path) -> Iterator[Any]:
    """What kedro-viz makes of the project's pipelines, folds among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from kedro_viz.data_access.managers import DataAccessManager
    before = Path.cwd()
    os.chdir(project)
    bootstrap_project(project)
    with KedroSession.create(project_path=project, runtime_params={"backtest": {"folds": 2}}) as session:
        made = DataAccessManager()
        catalog = session.load_context().catalog
        made.add_catalog(catalog, dict(pipelines))
        made.add_pipelines(dict(pipelines))
        yield made
    os.chdir(before)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("__default__", ["01_raw", "03_primary", "05_model_input", "06_models", "07_model_output", "08_reporting"]),
        ("preprocessing", ["01_raw", "03_primary", "05_model_input"]),
        ("modelling", ["05_model_input", "06_models", "07_model_output", "08_reporting"]),
        ("edge_poc", ["05_model_input", "06_models", "08_reporting"]),
        ("forecasting", ["01_raw", "05_model_input", "06_models", "07_model_output"]),
        ("refit", ["01_raw", "05_model_input", "06_models", "08_reporting"]),
        ("describe", ["01_raw", "08_reporting"]),
        ("benchmarking", ["01_raw", "03_primary", "05_model_input", "06_models", "07_model_output", "08_reporting"]),
        ("edge_matrix", ["05_model_input", "06_models", "08_reporting"]),
        (
            "backtest",
            [
                "01_raw",
                "02_intermediate",
                "03_primary",
                "05_model_input",
                "06_models",
                "07_model_output",
                "08_reporting",
            ],
        ),
    ],
)
def test_the_layers_of_a_pipeline_go_one_way(graphs: Any, name: str, layers: list[str]) -> None:
    found = graphs.get_sorted_layers_for_registered_pipeline(name)
    shown = {node.layer for node in graphs.get_nodes_for_registered_pipeline(name) if getattr(node, "layer", None)}
    assert [layer for layer in found if layer in shown] == layers == sorted(shown)
