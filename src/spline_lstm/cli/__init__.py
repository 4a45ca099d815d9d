"""`kedro run` of this project, and its messages. Kedro looks here for both names."""

from spline_lstm.cli.command import cli, run

__all__ = ["cli", "run"]
