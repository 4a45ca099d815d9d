"""One folder for each pipeline: nodes adapt the domain code, pipeline.py wires them."""

MAIN_JOB = ("preprocessing", "modelling", "edge_poc")
"""The pipelines that `kedro run` runs without a name."""
OF_THE_PROJECT = (*MAIN_JOB, "backtest", "benchmarking", "describe", "edge_matrix", "forecasting", "refit", "tuning")
"""All pipelines of this project, without a team's own."""
