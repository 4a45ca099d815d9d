"""From a new table to a schema and parameters for its first run."""

from spline_lstm.pipelines.describe.pipeline import create_pipeline

__all__ = ["create_pipeline"]
