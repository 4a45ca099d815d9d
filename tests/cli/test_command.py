"""`kedro run` as the project extends it: what a failure before the pipeline looks like."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from kedro.io import DatasetError
from yaml import YAMLError

from spline_lstm.cli.command import _join_lists, _RunCommand, _show_traceback, cli, run
from spline_lstm.cli.help import EXAMPLES, PARAMETERS
from spline_lstm.errors import Failure, TableError
from spline_lstm.project.parameters import Parameters


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tracebacks are written to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invoke(*raised: BaseException, args: tuple[str, ...] = (), module: str = "kedro.config") -> Result:
    """Run a command that raises, in code of a module."""
    source = "def callback():\n    for error in raised:\n        raise error\n"
    names: dict[str, Any] = {"__name__": module, "raised": raised}
    exec(source, names)
    return CliRunner().invoke(_RunCommand("run", callback=names["callback"], params=[_show_traceback]), args)


UNREADABLE = {
    "an open bracket": "epochs=[1", "an alias": "input_path=*", "an at sign": "input_path=@x",
    "an open interpolation": "input_path=${", "a lone quote": "input_path='", "a control character": "input_path=\x07",
    "many digits": f"epochs={'9' * 5_000}", "a tag": "epochs=!!python/object:x", "an equals sign": "epochs==",
}  # fmt: skip


@pytest.mark.parametrize("typed", UNREADABLE)
@pytest.mark.parametrize("option", ["--params", "--runner-params"])
def test_a_value_that_yaml_cannot_read_is_refused_in_one_line(option: str, typed: str) -> None:
    result = CliRunner().invoke(run, [option, f"seed=1,{UNREADABLE[typed]}"])
    assert result.exit_code == 2
    name = UNREADABLE[typed].partition("=")[0]
    assert result.stderr.startswith(f"Error: {option}: ")
    assert f" is not a value for '{name}': YAML cannot read it" in result.stderr
    assert result.stderr.count("\n") == 1
    assert len(result.stderr) < 300


@pytest.mark.parametrize("args", [["--params", "run_id=\udcff"], ["--nodes", "\udcff"], ["--\udcff"]])
def test_an_argument_that_is_not_utf8_is_refused(args: list[str]) -> None:
    result = CliRunner().invoke(run, args)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "is not UTF-8" in result.stderr


def test_the_command_takes_all_options_of_kedros_own() -> None:
    assert cli.commands["run"] is run
    assert [option.name for option in run.params] == [*(option.name for option in kedro_run.params), "traceback"]


@pytest.mark.parametrize(
    ("typed", "given"),
    [
        ("export_formats=onnx,tflite", {"export_formats": "onnx+tflite"}),
        ("export_formats=onnx+tflite,epochs=2", {"export_formats": "onnx+tflite", "epochs": 2}),
        ("split=0.6, 0.2,0.2 , epochs=2", {"split": "0.6+0.2+0.2", "epochs": 2}),
        ("hidden_units=64,32,benchmark.seeds=1,2", {"hidden_units": "64+32", "benchmark": {"seeds": "1+2"}}),
        ("epochs=2,", {"epochs": 2}),
    ],
)
def test_an_item_without_an_equals_sign_goes_on_with_the_list_before_it(
    monkeypatch: pytest.MonkeyPatch, typed: str, given: dict[str, Any]
) -> None:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(kedro_run, "callback", lambda **options: found.append(options["params"]))
    assert CliRunner().invoke(run, ["--params", typed]).exit_code == 0
    assert found == [given]


def test_a_list_needs_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(run, ["--params", "onnx,tflite"])
    assert result.exit_code == 2
    assert "Item `onnx+tflite` must contain a key and a value" in result.stderr


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), (None, ("preprocessing", "modelling", "edge_poc"))),
        (("--pipelines=backtest,describe",), (None, ["backtest", "describe"])),
        (("--pipeline=describe",), ("describe", [])),
    ],
)
def test_without_a_name_the_pipelines_of_the_main_job_are_named(
    monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], named: tuple[Any, Any]
) -> None:
    found: list[tuple[Any, Any]] = []
    monkeypatch.setattr(kedro_run, "callback", lambda **given: found.append((given["pipeline"], given["pipelines"])))
    assert CliRunner().invoke(run, args).exit_code == 0
    assert found == [named]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (TableError("the table is empty"), 10, "the table is empty"),
        (
            ValueError("these two options\ncontradict each other"),
            2,
            "these two options contradict each other",
        ),
        (YAMLError("unable to read line 3"), 2, "unable to read line 3"),
        (DatasetError("'type' is missing"), 2, "'type' is missing"),
        (KedroCliError("cannot be used together"), 2, "cannot be used together"),
        (
            AttributeError("no attribute 'items'"),
            2,
            "the options or the configuration cannot be used: no attribute 'items'",
        ),
        (KeyError("a"), 2, "the options or the configuration cannot be used: 'a'"),
        (ImportError("no module"), 2, "the options or the configuration cannot be used: no module"),
    ],
)
def test_a_failure_is_one_line_and_a_code(error: Exception, code: int, line: str, folder: Path) -> None:
    result = invoke(error)
    assert (result.exit_code, result.stderr, result.stdout) == (code, f"Error: {line}\n", "")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "module"),
    [
        (ZeroDivisionError("by zero"), "kedro.config"),
        (KeyError("by zero"), "spline_lstm.pipelines.mine.nodes"),
        (ValueError("by zero"), "my_hooks"),
        (KeyError("by zero"), "spline_lstm.context"),
    ],
)
def test_a_bug_is_one_line_that_names_the_file_with_its_traceback(error: Exception, module: str, folder: Path) -> None:
    result = invoke(error, module=module)
    (log,) = (folder / "logs").iterdir()
    assert (result.exit_code, result.stdout) == (70, "")
    assert result.stderr == (
        f"Error: unexpected {type(error).__name__}: {error}; this is a bug in the project; "
        f"the traceback is in logs/{log.name}\n"
    )
    assert "in callback" in log.read_text()


def test_the_traceback_of_a_bug_that_another_process_saw_is_kept_too(folder: Path) -> None:
    invoke(Failure("unexpected", 70, "Traceback of the worker").to_error())
    (log,) = (folder / "logs").iterdir()
    assert "Traceback of the worker" in log.read_text()


def test_where_no_file_can_be_written_the_switch_is_named(folder: Path) -> None:
    (folder / "logs").touch()
    assert invoke(ZeroDivisionError("by zero")).stderr.endswith("in the project; --traceback shows where\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), ValueError("by zero"), TableError("by zero")])
def test_a_switch_shows_the_traceback_of_any_error(error: Exception, capfd: pytest.CaptureFixture[str]) -> None:
    result = invoke(error, args=("--traceback",))
    assert "in callback" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")


def test_an_unknown_option_is_one_line_without_the_usage() -> None:
    result = invoke(args=("--unknown",))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--unknown" in result.stderr


def test_help_is_still_there() -> None:
    assert invoke(args=("--help",)).exit_code == 0


@contextmanager
def ignored(number: int) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    yield
    signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_the_earlier_handler_returns(number: signal.Signals) -> None:
    with ignored(number):
        result = CliRunner().invoke(_RunCommand("run", callback=lambda: signal.raise_signal(number)))
        assert signal.getsignal(number) == signal.SIG_IGN
    assert result.exit_code == 128 + number
    assert result.stderr == f"Error: stopped by {number.name}; the same command starts it again\n"


def test_in_another_thread_signals_are_left_alone() -> None:
    found: list[Any] = []
    command = _RunCommand("run", callback=lambda: found.append(signal.getsignal(signal.SIGTERM)))
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=lambda: command.invoke(click.Context(command)))
    thread.start()
    thread.join()
    assert found == [before]


def test_a_comma_in_a_single_value_joins_nothing() -> None:
    given = "export_formats=onnx,tflite,input_path=/data/a, b.csv"
    assert _join_lists(given) == "export_formats=onnx+tflite,input_path=/data/a, b.csv"


def test_help_shows_the_pipelines_the_main_parameters_and_examples() -> None:
    shown = CliRunner().invoke(run, ["--help"], terminal_width=80).stdout
    assert "  forecasting    From a new table and a trained run to forecasts." in shown
    assert "  model_type      lstm, gru or attention_lstm" in shown
    assert "  kedro run --pipeline=benchmarking --only-missing-outputs\n" in shown


def test_help_names_parameters_that_are_there() -> None:
    assert set(PARAMETERS) <= set(Parameters.model_fields)


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example_of_the_help_is_read(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kedro_run, "callback", lambda **_: None)
    assert CliRunner().invoke(run, command.removeprefix("kedro run").split()).exit_code == 0
