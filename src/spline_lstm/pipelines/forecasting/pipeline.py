"""Wiring of the forecasting."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.forecasting.nodes import forecast


def create_pipeline() -> Pipeline:
    """From a new table and a trained run to the next steps of every series."""
    return Pipeline(
        [
            Node(
                forecast,
                ["later_table", "trained_run", "intervals", "params:strict"],
                ["forecast", "forecast_csv", "plot_forecast"],
                name="forecast",
            ),
        ]
    )
