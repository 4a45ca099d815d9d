"""The rolling-origin evaluation: a model for each block of the test part."""

from spline_lstm.pipelines.backtest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
