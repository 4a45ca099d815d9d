"""Kedro hooks: parameters are checked and ids derived before anything else; errors keep their code."""

import logging
import subprocess
from pathlib import Path

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from spline_lstm.datasets.inputs import read_schema
from spline_lstm.errors import ProjectBugError, SplineLSTMError
from spline_lstm.matrix import make_matrix, set_current_matrix
from spline_lstm.parameters import command, parse_parameters, resolve_parameters

logger = logging.getLogger(__name__)


class ProjectHooks:
    """The project's only hooks."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters and add what is derived from them: ids, groups and commands.

        This runs for the command line, sessions, notebooks and kedro-viz alike, before the catalog
        is made, so that all of them agree on paths.
        """
        loader = context.config_loader
        given = dict(loader.runtime_params or {})
        parameters = parse_parameters(loader["parameters"])
        schema = read_schema(context.project_path / parameters.covariate_spec)
        resolved = resolve_parameters(parameters, schema, _commit(context.project_path))
        for pipeline in ("preprocessing", "modelling", "edge_poc", "benchmarking", "edge_matrix"):
            resolved[f"{pipeline}_command"] = command(pipeline, given, context.env)
        matrix = make_matrix(parameters, schema, resolved["run"]["commit"])
        set_current_matrix(matrix)
        loader.runtime_params = resolved | matrix.parameters

    @hook_impl
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise the project's own error from under Kedro's wrapping, so that its exit code is kept."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SplineLSTMError):
                raise cause from None
            cause = cause.__cause__
        logger.debug("Unexpected failure", exc_info=error)
        raise ProjectBugError(f"unexpected {type(error).__name__}: {error}; this is a bug in the project") from error


def _commit(project_path: Path) -> str | None:
    """Commit hash of the project, or None outside git."""
    arguments = ["git", "-C", str(project_path), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
