"""All finished runs at the catalog's paths, not only the run of the current parameters."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from spline_lstm.datasets.trained_run import fill_ids, others, runs_at
from spline_lstm.errors import ArtifactMissingError
from spline_lstm.project.places import Entries


class FinishedRuns:
    """Finished runs and their datasets, by run id."""

    def __init__(self, entries: Entries, project_path: Path) -> None:
        """Take the catalog's entries, with the placeholder `{run_id}`, and the project's folder for relative paths."""
        self._entries = entries
        self._project_path = project_path

    @property
    def ids(self) -> list[str]:
        """Ids of all scored runs."""
        found = runs_at(self._entry("run_record")["filepath"])
        return sorted(run_id for run_id in found if self._dataset(run_id, "metrics").exists())

    def load(self, run_id: str, name: str) -> Any:
        """Read a dataset of a run.

        Raises:
            ArtifactMissingError: The run is missing; the message suggests a similar run id.

        """
        if not self._dataset(run_id, "metrics").exists():
            raise ArtifactMissingError(f"run '{run_id}' is not there{others(run_id, self.ids)}")
        return self._dataset(run_id, name).load()

    def _dataset(self, run_id: str, name: str) -> AbstractDataset[Any, Any]:
        return AbstractDataset.from_config(name, fill_ids(self._entry(name), {"run_id": run_id}))

    def _entry(self, name: str) -> dict[str, Any]:
        entry = self._entries[name]
        place = entry["filepath"]
        return entry | {"filepath": place if "://" in place else str(self._project_path / place)}
