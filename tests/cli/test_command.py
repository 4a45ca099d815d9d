"""`kedro run` as the project extends it: what a failure before the pipeline looks like."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from kedro.io import DatasetError
from yaml import YAMLError

from spline_lstm.cli.command import _RunCommand, cli, run
from spline_lstm.errors import TableError


def invoke(*raised: BaseException, args: tuple[str, ...] = ()) -> Result:
    """Run a command that raises."""

    def callback() -> None:
        for error in raised:
            raise error

    return CliRunner().invoke(_RunCommand("run", callback=callback), args)


def test_the_command_takes_all_options_of_kedros_own() -> None:
    assert cli.commands["run"] is run
    assert run.params == kedro_run.params


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
        (ZeroDivisionError("by zero"), 70, "unexpected ZeroDivisionError: by zero; this is a bug in the project"),
    ],
)
def test_a_failure_is_one_line_and_a_code(error: Exception, code: int, line: str) -> None:
    result = invoke(error)
    assert (result.exit_code, result.stderr, result.stdout) == (code, f"Error: {line}\n", "")


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
