"""Kedro settings of the project."""

from spline_lstm.hooks import ProjectHooks

HOOKS = (ProjectHooks(),)
CONFIG_LOADER_ARGS = {"base_env": "base", "default_run_env": "local"}
