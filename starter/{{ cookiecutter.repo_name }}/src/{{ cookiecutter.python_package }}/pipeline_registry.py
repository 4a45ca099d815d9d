"""The pipelines: those of Spline-LSTM and those under `pipelines/`."""

from spline_lstm.pipeline_registry import register_pipelines

__all__ = ["register_pipelines"]
