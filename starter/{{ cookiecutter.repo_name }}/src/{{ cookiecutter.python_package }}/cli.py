"""`kedro run` as in Spline-LSTM: one line and one exit code for every failure."""

from spline_lstm.cli import cli, run

__all__ = ["cli", "run"]
