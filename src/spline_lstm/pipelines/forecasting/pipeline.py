"""Wiring of the forecasting."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines.forecasting.nodes import forecast, forecast_tables
from spline_lstm.pipelines.plan import current_plan


def create_pipeline() -> Pipeline:
    """From one or many new tables and a trained run to the next steps of every series."""
    if current_plan().many_tables:
        inputs = ["later_tables", "trained_run", "intervals", "params:strict"]
        return Pipeline([Node(forecast_tables, inputs, "forecasts", name="forecast_tables")])
    return Pipeline(
        [
            Node(
                forecast,
                ["later_table", "trained_run", "intervals", "params:strict"],
                ["forecast", "forecast_csv", "plot_forecast", "drift"],
                name="forecast",
            ),
        ]
    )
