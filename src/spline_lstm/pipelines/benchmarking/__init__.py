"""The fair comparison of model types, feature modes and seeds."""

from spline_lstm.pipelines.benchmarking.pipeline import create_pipeline

__all__ = ["create_pipeline"]
