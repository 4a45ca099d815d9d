"""Kedro settings: those of Spline-LSTM, to which your own hooks may be added."""

from spline_lstm.settings import CONFIG_LOADER_ARGS, CONTEXT_CLASS, DATA_CATALOG_CLASS, HOOKS

__all__ = ["CONFIG_LOADER_ARGS", "CONTEXT_CLASS", "DATA_CATALOG_CLASS", "HOOKS"]
