"""The commands that messages and records name."""

import shlex

import pytest

from spline_lstm.project.invocation import Invocation


def test_a_command_repeats_what_was_typed() -> None:
    typed = Invocation(given={"model_type": "gru", "export_formats": ["onnx", "tflite"]})
    text = "kedro run --pipeline=modelling --params model_type=gru,export_formats=onnx+tflite"
    assert typed.command("modelling") == text


def test_a_command_without_parameters_is_short() -> None:
    assert Invocation().command("preprocessing") == "kedro run --pipeline=preprocessing"


def test_a_command_without_a_pipeline_runs_the_main_job() -> None:
    assert Invocation(env="ci").command(given={"run_id": "mine"}) == "kedro run --env ci --params run_id=mine"


def test_a_command_names_environment_configuration_and_runner() -> None:
    typed = Invocation(
        program="python -m spline_lstm", env="ci", conf_source="conf.tar.gz", runner="ThreadRunner",
        runner_params={"max_workers": 2},
    )  # fmt: skip
    assert typed.command("backtest") == (
        "python -m spline_lstm --pipeline=backtest --env ci --conf-source conf.tar.gz --runner ThreadRunner "
        "--runner-params max_workers=2"
    )


@pytest.mark.parametrize("path", ["my tables/sales (1).csv", "it's.csv", "$HOME/[a].csv"])
def test_a_command_can_be_pasted_into_a_shell(path: str) -> None:
    command = Invocation(conf_source=path, given={"input_path": path}).command()
    assert shlex.split(command) == ["kedro", "run", "--conf-source", path, "--params", f"input_path={path}"]
