"""One folder a pipeline: nodes adapt the domain code, pipeline.py wires them."""

MAIN_JOB = ("preprocessing", "modelling", "edge_poc")
"""What `kedro run` runs without the name of a pipeline."""
OF_THE_PROJECT = (*MAIN_JOB, "backtest", "benchmarking", "describe", "edge_matrix", "forecasting", "refit", "tuning")
"""All that are not a team's own."""
