"""`kedro run` of this project: Kedro's own command, with one line and one exit code for every failure.

What goes wrong before a pipeline runs (options, configuration) passes no hook; it is put into words here. So are
the signals that stop a run.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click
from kedro.config import MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import CONTEXT_SETTINGS, KedroCliError
from kedro.io import DatasetError
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from spline_lstm.cli.messages import in_words
from spline_lstm.errors import ParameterError, ProjectBugError
from spline_lstm.pipelines import MAIN_JOB

logger = logging.getLogger(__name__)

_MISTAKES = (
    AttributeError, LookupError, TypeError, ValueError,
    DatasetError, MissingConfigException, OmegaConfBaseException, YAMLError,
)  # fmt: skip
"""What Kedro raises when options or configuration are wrong."""
_GRACE_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _RunCommand(click.Command):
    """Kedro's `run`, with its options and help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; a mistake takes one line, without the usage."""
        try:
            return super().parse_args(ctx, args)
        except (click.UsageError, KedroCliError) as error:
            raise ParameterError(error.format_message()) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the pipeline.

        Raises:
            SplineLSTMError: Whatever goes wrong.
            SystemExit: A signal came, with 128 and its number.

        """
        try:
            with _stoppable():
                return super().invoke(ctx)
        except KedroCliError as error:
            raise ParameterError(error.format_message()) from None
        except click.ClickException:
            raise
        except _MISTAKES as error:
            # Errors of a pipeline that runs have passed the hooks: these are of the options or the configuration.
            logger.debug("Refused", exc_info=error)
            raise ParameterError(in_words(error, ctx.params)) from None
        except Exception as error:
            logger.debug("Unexpected failure", exc_info=error)
            raise ProjectBugError.of(error) from error


@contextmanager
def _stoppable() -> Iterator[None]:
    """End with exit code 130 or 143 on SIGINT or SIGTERM, and workers with it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped: dict[int, threading.Timer] = {}

    def stop(number: int, _: FrameType | None) -> None:
        if stopped:  # it is being stopped already
            return
        # The pool would wait for its workers, and they would go on with what is queued.
        for worker in multiprocessing.active_children():
            worker.kill()
        stopped[number] = _exit_later(number)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    except Exception:
        # Native code and imports may turn the exit that came in their midst into an error of their own.
        if not stopped:
            raise
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
        for number, timer in stopped.items():
            timer.cancel()
            _tell(number)
    for number in stopped:
        raise SystemExit(128 + number)


def _exit_later(number: int) -> threading.Timer:
    """Exit after a while even if something, such as a pool of threads, waits for the end of its work."""

    def leave() -> None:
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
    """Run what is asked for; the main job by its pipelines, as Kedro builds all there are for the default one."""
    if not (options["pipeline"] or options["pipelines"]):
        options["pipelines"] = MAIN_JOB
    return click.get_current_context().invoke(kedro_run, **options)


cli = click.Group("spline_lstm", context_settings=CONTEXT_SETTINGS)
run = _RunCommand("run", callback=_run, params=kedro_run.params, help=kedro_run.help, context_settings=CONTEXT_SETTINGS)
cli.add_command(run)
