"""From windows to a trained and evaluated model."""

from spline_lstm.pipelines.modelling.pipeline import create_pipeline

__all__ = ["create_pipeline"]
