"""The search for settings on validation."""

from spline_lstm.pipelines.tuning.pipeline import create_pipeline

__all__ = ["create_pipeline"]
