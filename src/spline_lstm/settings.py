"""Kedro settings of the project."""

import warnings

from spline_lstm.hooks import ProjectHooks

# Kedro says on every `--pipeline=...` that `--pipelines=...` is to come; both work.
warnings.filterwarnings("ignore", message=".*'--pipeline'.*", category=DeprecationWarning)

HOOKS = (ProjectHooks(),)
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
