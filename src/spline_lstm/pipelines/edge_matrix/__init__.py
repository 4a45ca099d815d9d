"""The edge gate for every model type and feature mode of the benchmark, in one table."""

from spline_lstm.pipelines.edge_matrix.pipeline import create_pipeline

__all__ = ["create_pipeline"]
