"""The tables that a run forecasts: the given tables, else the table of its training."""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.inputs import find_tables
from spline_lstm.datasets.trained_run import fill_ids
from spline_lstm.errors import TableError
from spline_lstm.types import DataFrame


class LaterTableDataset(AbstractDataset[DataFrame, Any]):
    """A table to forecast, read-only; the run's record names the table of its training."""

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
        """Take the places of the given and of the recorded table.

        Args:
            datasets: Entries of the catalog: `raw_table`, and `run_record` with the placeholder `{run_id}`.
            path: The project's folder; recorded paths are relative to it.
            input_path: The parameter; a `raw_table` with another path is a custom entry, and is read as it is.
            run_id: The run.
            is_given: Whether the command line names the table of `raw_table`.
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
            TableError: The table cannot be read.

        """
        table: DataFrame = AbstractDataset.from_config("raw_table", self._entry | self._recorded()).load()
        return table

    def _recorded(self) -> dict[str, str]:
        """Return the place of the training table, if no other table is given and the record names it."""
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


class LaterTablesDataset(AbstractDataset[dict[str, Callable[[], DataFrame]], Any]):
    """The tables that match an `input_path` with `*`, read-only."""

    def __init__(
        self,
        *,
        datasets: dict[str, dict[str, Any]],
        path: str,
        input_path: str,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Take the catalog's entry of `raw_table`, the project's folder, and the pattern."""
        self._entry, self._project = datasets["raw_table"], Path(path)
        self._pattern = input_path if "://" in input_path else str(self._project / input_path)
        self.metadata = metadata

    def load(self) -> dict[str, Callable[[], DataFrame]]:
        """Return a function that reads each table, keyed by the id of its forecast.

        Raises:
            TableError: No table matches.

        """
        found = find_tables(self._pattern, self._entry.get("credentials"))
        return {folder_name(self._project, table): functools.partial(self._read, table) for table in found}

    def _read(self, table: str) -> DataFrame:
        loaded: DataFrame = AbstractDataset.from_config("raw_table", self._entry | {"filepath": table}).load()
        return loaded

    def save(self, data: Any) -> NoReturn:  # noqa: ARG002 - Kedro's interface
        """Refuse: a user's file is never written."""
        raise TableError("the tables are an input and are not written")

    def _describe(self) -> dict[str, Any]:
        return {"input_path": self._pattern}


def folder_name(project_path: Path, table: str) -> str:
    """Name the folder of a table; tables with the same name in different places get different folders."""
    path = Path(os.path.realpath(project_path / table))  # accepts a link to itself, which reading refuses
    known_as = path.relative_to(project_path) if path.is_relative_to(project_path) else path
    return f"{path.stem}-{hashlib.sha256(known_as.as_posix().encode()).hexdigest()[:6]}"
