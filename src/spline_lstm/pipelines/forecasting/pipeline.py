"""Wiring of the forecasting."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.forecasting.nodes import forecast, prepare_windows


def create_pipeline() -> Pipeline:
    """From a new table and a trained run to the next steps of every series."""
    return Pipeline(
        [
            Node(prepare_windows, ["raw_table", "trained_run"], "latest_windows", name="prepare_windows"),
            Node(
                forecast,
                ["latest_windows", "trained_run", "intervals"],
                ["forecast", "forecast_csv", "plot_forecast"],
                name="forecast",
            ),
        ]
    )
