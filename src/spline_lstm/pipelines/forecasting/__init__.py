"""From a new table and a trained run to forecasts."""

from spline_lstm.pipelines.forecasting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
