"""Spline-LSTM: from a table of time series to a fairly compared forecaster for small devices."""

__version__ = "0.1.0"
