"""Wiring of the tuning: one node for each trial, which gets the results of all earlier rounds."""

from kedro.pipeline import Node, Pipeline

from spline_lstm.pipelines import modelling
from spline_lstm.pipelines.plan import current_plan
from spline_lstm.pipelines.preprocessing.pipeline import window_filled_series
from spline_lstm.pipelines.tuning.nodes import Trial, choose_settings, fill_without_test


def create_pipeline() -> Pipeline:
    """From the raw table to the best settings; each trial has fixed inputs, so that all runners agree."""
    plan = current_plan()
    if not plan.trials:
        return Pipeline([])
    fill = Node(
        fill_without_test, ["raw_table", "covariate_schema", "params:search"], "tuning_series", name="fill_without_test"
    )
    numbers = range(1, plan.trials + 1)
    trials = Pipeline(
        [_trial(number, plan.at_once) for number in numbers],
        namespace="trials",
        inputs={"tuning_series", "covariate_schema"},
        parameters={"params:search"},
    )
    choose = Node(
        choose_settings,
        ["params:search", *(f"trials.{_name(number)}" for number in numbers)],
        ["best_settings", "tuning_report", "tuning_page", "plot_tuning"],
        name="choose_settings",
    )
    return Pipeline([fill, choose]) + trials


def _trial(number: int, at_once: int) -> Node:
    place = (number - 1) % at_once
    known = range(1, number - place)
    train = modelling.create_pipeline().only_nodes("train_model").nodes[0]
    trial = Trial(number, place, window_filled_series().func, train.func)
    inputs = ["tuning_series", "covariate_schema", "params:search", *map(_name, known)]
    return Node(trial.try_settings, inputs, _name(number), name=f"try_settings_{number:03}")


def _name(number: int) -> str:
    return f"trial{number:03}"
