"""Kedro settings of the project."""

import warnings

from spline_lstm.hooks.mlflow import TrackingHooks
from spline_lstm.hooks.notebook import NotebookHooks
from spline_lstm.hooks.progress import ProgressHooks
from spline_lstm.hooks.run import ProjectHooks
from spline_lstm.hooks.summary import ClosingHooks
from spline_lstm.project.catalog import ProjectCatalog
from spline_lstm.project.context import ProjectContext

# Kedro warns on every `--pipeline=...` that `--pipelines=...` will replace it; both work.
warnings.filterwarnings("ignore", message=".*'--pipeline'.*", category=DeprecationWarning)
# The benchmark joins datasets of several namespaces; Kedro mistakes their names for an error.
warnings.filterwarnings("ignore", message="One or more dataset names contain '.' characters", category=UserWarning)
# Kedro 1.7 reads `model_fields` from instances of pydantic's models.
warnings.filterwarnings("ignore", message="Accessing the 'model_fields' attribute on the instance")

CONTEXT_CLASS = ProjectContext
DATA_CATALOG_CLASS = ProjectCatalog
HOOKS = (ProjectHooks(), ProgressHooks(), ClosingHooks(), TrackingHooks(), NotebookHooks())
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # An environment changes only the parameters that it names, also inside groups.
    "merge_strategy": {"parameters": "soft"},
}
