"""From a finished run to the same model, trained once more on the whole table."""

from spline_lstm.pipelines.refit.pipeline import create_pipeline

__all__ = ["create_pipeline"]
