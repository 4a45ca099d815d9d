"""The forecasts of many tables with one run, each at its own place."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.address import Place, place_at
from spline_lstm.datasets.trained_run import fill_ids
from spline_lstm.errors import ParameterError

FORECAST_ID = "{forecast_id}"
"""Stands for the id of each forecast in the paths of the catalog, where there are many."""


class ForecastsDataset(AbstractDataset[Mapping[str, Sequence[Any]], Any]):
    """Forecasts, write-only: each is what the entries of a single one hold, saved as soon as it is made."""

    def __init__(
        self, *, datasets: dict[str, dict[str, Any]], run_id: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Take the run, and the catalog's entries of what a forecast consists of, in the order of the values."""
        self._entries = {name: fill_ids(entry, {"run_id": run_id}) for name, entry in datasets.items()}
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """The folder that they lie in."""
        path: str = next(iter(self._entries.values()))["filepath"]
        return place_at(path.partition(FORECAST_ID)[0])

    def save(self, data: Mapping[str, Sequence[Any]]) -> None:
        """Write some forecasts, by their ids."""
        for forecast_id, values in data.items():
            for (name, entry), value in zip(self._entries.items(), values, strict=True):
                own = fill_ids(entry, {"forecast_id": forecast_id})
                AbstractDataset.from_config(name, own).save(value)

    def load(self) -> NoReturn:
        """Refuse: a single one is read by its id."""
        raise ParameterError("forecasts are read one by one: 'forecast' of the catalog, with forecast_id=...")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.place)}
