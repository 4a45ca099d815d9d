"""What happens around a run: locks and exit codes, the summary at its end, MLflow."""
