"""From a trained model to exported files and the gate's verdict."""

from spline_lstm.pipelines.edge_poc.pipeline import create_pipeline

__all__ = ["create_pipeline"]
