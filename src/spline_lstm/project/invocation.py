"""The call of Kedro, from which messages and records build commands that work in a shell."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spline_lstm.project.parameters import flatten


@dataclass(frozen=True)
class Invocation:
    """A call of Kedro on the command line.

    Attributes:
        program: The program that runs pipelines, such as `kedro run`.
        env: The environment, if given.
        conf_source: The configuration, if it is not the project's own.
        runner: The runner, if given.
        runner_params: Parameters of the runner.
        given: The given parameters.

    """

    program: str = "kedro run"
    env: str | None = None
    conf_source: str | None = None
    runner: str | None = None
    runner_params: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    def command(self, pipeline: str | None = None, given: Mapping[str, Any] | None = None) -> str:
        """Return the command that runs a pipeline with the same options.

        Args:
            pipeline: Name of the pipeline; None is the main job.
            given: Parameters that replace those of this call.

        """
        options = {
            "--env": self.env,
            "--conf-source": self.conf_source,
            "--runner": self.runner,
            "--runner-params": _pairs(self.runner_params),
            "--params": _pairs(self.given if given is None else given),
        }
        words = [f"--pipeline={pipeline}"] if pipeline else []
        words += [word for option, value in options.items() if value for word in (option, value)]
        return " ".join([self.program, *map(shlex.quote, words)])


def _pairs(values: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={_typed(value)}" for name, value in flatten(values))


def _typed(value: Any) -> str:
    """Return a value as a user would type it."""
    if isinstance(value, list | tuple):
        return "+".join(map(_typed, value))
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
