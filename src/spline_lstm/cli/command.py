"""`kedro run` of this project: Kedro's own command, with one line and one exit code for every failure.

Errors before a pipeline runs (options, configuration) reach no hook, so their messages are made here, and those of the
signals that stop a run.
"""

import copy
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import CONTEXT_SETTINGS, KedroCliError
from kedro.utils import find_kedro_project

from spline_lstm.cli.help import write_overview
from spline_lstm.cli.messages import in_words, is_mistake
from spline_lstm.datasets.locks import release_all
from spline_lstm.datasets.storage import shown, write_bytes
from spline_lstm.errors import ParameterError, ProjectBugError, StorageError, own_error
from spline_lstm.pipelines import MAIN_JOB
from spline_lstm.text import shorten

_TRACEBACK = f"{__name__}.traceback"
_GRACE_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _RunCommand(click.Command):
    """Kedro's `run`, with its options and help."""

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the project's own help below the options."""
        write_overview(formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; a mistake is reported in one line, without the usage."""
        _check_encoding(args)
        try:
            return super().parse_args(ctx, args)
        except (click.UsageError, KedroCliError) as error:
            raise ParameterError(error.format_message()) from None
        except OSError as error:  # of the help
            raise StorageError(f"standard output cannot be written: {error.strerror or error}") from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipeline.

        Raises:
            SplineLSTMError: Any failure.
            SystemExit: A signal, with 128 plus its number.

        """
        _open_outputs()
        logging.raiseExceptions = False  # a full or closed output loses its lines, but the work goes on
        try:
            with _stoppable():
                return super().invoke(ctx)
        except Exception as error:
            if ctx.meta.get(_TRACEBACK):
                traceback.print_exception(error)
            refusal = _refusal(error, ctx.params)
            if refusal is error:
                raise
            raise refusal from error


def _open_outputs() -> None:
    """Keep the number of a closed output from being given to another file."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY)
            try:
                os.fstat(number)
            except OSError:
                os.dup2(opened, number)
            setattr(sys, name, os.fdopen(opened, "w"))


def _check_encoding(args: list[str]) -> None:
    """Refuse arguments that are not text: no name or path of the project has such bytes.

    Raises:
        ParameterError: Shows the argument, with question marks for these bytes.

    """
    for argument in args:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ParameterError(f"the argument {shorten(argument)} is not UTF-8") from None


def _refusal(error: Exception, options: Mapping[str, Any]) -> Exception:
    """Return the one-line message of an error."""
    if isinstance(error, KedroCliError):
        return ParameterError(error.format_message())
    if isinstance(error, click.ClickException) and not isinstance(error, ProjectBugError):
        return error
    # Errors of a running pipeline have passed the hooks.
    if is_mistake(error):
        return ParameterError(in_words(error, options))
    own = own_error(error)
    return _keep_traceback(error) if isinstance(own, ProjectBugError) else own


def _keep_traceback(error: Exception) -> ProjectBugError:
    """Write the traceback of an unexpected error to a file, and say where it is."""
    bug = error if isinstance(error, ProjectBugError) else ProjectBugError.of(error)
    folder = find_kedro_project(Path.cwd()) or Path.cwd()
    path = folder / "logs" / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}-{os.getpid()}.log"
    try:
        write_bytes(path, "".join(traceback.format_exception(error)).encode())
    except StorageError:
        return ProjectBugError(f"{bug.message}; --traceback shows where")
    return ProjectBugError(f"{bug.message}; the traceback is in {shown(path)}")


@contextmanager
def _stoppable() -> Iterator[None]:
    """End with exit code 130 or 143 on SIGINT or SIGTERM, and workers with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped: dict[int, threading.Timer] = {}

    def stop(number: int, _: FrameType | None) -> None:
        if stopped:  # the run is stopping already
            return
        # The pool would wait for its workers, which would go on with the queue.
        for worker in multiprocessing.active_children():
            worker.kill()
        stopped[number] = _exit_later(number)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    except Exception:
        # Native code and imports may turn an exit inside them into another error.
        if not stopped:
            raise
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
        for number, timer in stopped.items():
            release_all()
            timer.cancel()
            _tell(number)
    for number in stopped:
        raise SystemExit(128 + number)


def _exit_later(number: int) -> threading.Timer:
    """Exit after a while even if something, such as a pool of threads, still waits."""

    def leave() -> None:
        release_all()
        _tell(number)
        os._exit(128 + number)

    timer = threading.Timer(_GRACE_SECONDS, leave)
    timer.daemon = True
    timer.start()
    return timer


def _tell(number: int) -> None:
    if multiprocessing.parent_process() is None:
        click.echo(f"Error: stopped by {signal.Signals(number).name}; the same command starts it again", err=True)


def _run(**options: Any) -> Any:
    """Run the wanted pipelines; the main job by name, because Kedro builds all pipelines for the default one."""
    if not (options["pipeline"] or options["pipelines"]):
        options["pipelines"] = MAIN_JOB
    return click.get_current_context().invoke(kedro_run, **options)


def _join_lists(value: Any) -> Any:
    """Join items without `=` to the list before them with `+`: `xs=1,2,b=3` becomes `xs=1+2,b=3`.

    After a parameter that is not a list they stay unchanged: a path or a format may contain a comma.
    """
    if not isinstance(value, str):
        return value
    from spline_lstm.project.parameters import takes_list

    joined: list[str] = []
    for item in value.split(","):
        continues = joined and "=" not in item and item.strip() and takes_list(joined[-1].partition("=")[0].strip())
        if continues:
            joined[-1] += f"+{item.strip()}"
        else:
            joined.append(item)
    return ",".join(joined)


def _taking_any_text(option: Any) -> Any:
    """Return Kedro's option `--params` or `--runner-params`, extended to take lists and to refuse unreadable values.

    Kedro splits at every comma and reads each value as YAML, whose readers raise almost any exception.
    """
    split = option.callback
    taking = copy.copy(option)

    def read(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        try:
            return split(ctx, param, _join_lists(value) if param.name == "params" else value)
        except click.ClickException:
            raise
        except Exception as error:
            raise _unreadable(lambda item: split(ctx, param, item), param, str(value)) from error

    taking.callback = read
    return taking


def _unreadable(split: Callable[[str], Any], param: click.Parameter, value: str) -> ParameterError:
    """Return the error for the first unreadable item."""
    for item in value.split(","):
        try:
            split(item)
        except click.ClickException:
            continue
        except Exception:
            name, _, text = item.partition("=")
            other = "; conf/local/parameters.yml takes it, in quotes" if param.name == "params" else ""
            return ParameterError(
                f"{param.opts[0]}: {shorten(text)} is not a value for '{name.strip()}': YAML cannot read it{other}"
            )
    return ParameterError(f"{param.opts[0]} cannot be read: {shorten(value)}")


_show_traceback = click.Option(
    ["--traceback"],
    is_flag=True,
    expose_value=False,
    callback=lambda ctx, _, value: ctx.meta.update({_TRACEBACK: value}),
    help="Show the traceback of an error, which is otherwise written to logs/.",
)
cli = click.Group("spline_lstm", context_settings=CONTEXT_SETTINGS)
run = _RunCommand(
    "run",
    callback=_run,
    params=[
        *(_taking_any_text(item) if item.name in ("params", "runner_params") else item for item in kedro_run.params),
        _show_traceback,
    ],
    help=kedro_run.help,
    context_settings=CONTEXT_SETTINGS,
)
cli.add_command(run)
