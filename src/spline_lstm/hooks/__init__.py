"""Kedro hooks around a run: locks and exit codes, progress, the closing summary, notebooks, MLflow."""
