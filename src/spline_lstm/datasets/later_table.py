"""The table that a run forecasts: the one that is given, else the one that it was trained on."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.trained_run import fill_ids
from spline_lstm.errors import TableError
from spline_lstm.types import DataFrame


class LaterTableDataset(AbstractDataset[DataFrame, Any]):
    """A table to forecast, read-only; a run's record says which one it was trained on."""

    def __init__(
        self,
        *,
        datasets: dict[str, dict[str, Any]],
        path: str,
        input_path: str,
        run_id: str,
        is_given: bool,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Take where both may be.

        Args:
            datasets: Entries of the catalog: `raw_table`, and `run_record` with `{run_id}` in it left open.
            path: The project's folder, from which recorded paths count.
            input_path: The parameter; a `raw_table` that lies elsewhere is an entry of its own, and is read as it is.
            run_id: The run.
            is_given: Whether the table of `raw_table` was asked for on the command line.
            metadata: For kedro-viz.

        """
        self._entry = datasets["raw_table"]
        self._record: Any = AbstractDataset.from_config(
            "run_record", fill_ids(datasets["run_record"], {"run_id": run_id})
        )
        own_place = self._entry.get("filepath") not in (input_path, str(Path(path) / input_path))
        self._path, self._is_given = path, is_given or own_place
        self.metadata = metadata

    def load(self) -> DataFrame:
        """Read the table.

        Raises:
            TableError: It cannot be read.

        """
        table: DataFrame = AbstractDataset.from_config("raw_table", self._entry | self._recorded()).load()
        return table

    def _recorded(self) -> dict[str, str]:
        """Return the place of the table that the run was trained on, if it is to be read and known."""
        if self._is_given or "filepath" not in self._entry or not self._record.exists():
            return {}
        record = self._record.load()
        settings = record.get("settings") if isinstance(record, dict) else None
        place = settings.get("input_path") if isinstance(settings, dict) else None
        if not isinstance(place, str):
            return {}
        return {"filepath": place if "://" in place else str(Path(self._path) / place)}

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a user's file is never written."""
        raise TableError("the table is an input and is not written")

    def _exists(self) -> bool:
        return bool(AbstractDataset.from_config("raw_table", self._entry | self._recorded()).exists())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._entry.get("filepath")}
