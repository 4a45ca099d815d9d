"""From the raw table to windows."""

from spline_lstm.pipelines.preprocessing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
