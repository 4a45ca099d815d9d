"""Runners beside Kedro's own."""

from spline_lstm.runners.dask import DaskRunner

__all__ = ["DaskRunner"]
