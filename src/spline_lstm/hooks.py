"""Kedro hooks: an error under Kedro's wrapping keeps its line and its exit code; progress over cells."""

import logging
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol

from spline_lstm.errors import ProjectBugError, SplineLSTMError
from spline_lstm.matrix import current_matrix

logger = logging.getLogger(__name__)


class ProjectHooks:
    """Keep errors' exit codes, and tell how far a benchmark is."""

    def __init__(self) -> None:
        self._catalog: CatalogProtocol[Any, Any] | None = None

    @hook_impl
    def after_catalog_created(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Keep the catalog: finished cells are counted from what lies on disk."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Tell which cell is finished and how many are, whichever process made them."""
        run_id, _, name = dataset_name.rpartition(".")
        cells = current_matrix().cells
        if name != "report" or not run_id or self._catalog is None:
            return
        done = sum(self._catalog.exists(f"{cell.run_id}.report") for cell in cells)
        logger.info("%d of %d cells done: %s", done, len(cells), run_id)

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
