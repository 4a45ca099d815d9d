"""Kedro hooks: an error under Kedro's wrapping keeps its line and its exit code."""

import logging

from kedro.framework.hooks import hook_impl

from spline_lstm.errors import ProjectBugError, SplineLSTMError

logger = logging.getLogger(__name__)


class ProjectHooks:
    """The project's only hook."""

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
