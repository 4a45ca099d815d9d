"""{{ cookiecutter.project_name }}: forecasts with the pipelines of Spline-LSTM."""
