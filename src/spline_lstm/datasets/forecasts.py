"""Forecasts of many tables by one run, each in its own folder."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from kedro.io import AbstractDataset

from spline_lstm.datasets.address import Place, place_at
from spline_lstm.datasets.trained_run import fill_ids
from spline_lstm.errors import ParameterError

FORECAST_ID = "{forecast_id}"
"""Placeholder for the id of each forecast in the catalog's paths, if there are many forecasts."""


class ForecastsDataset(AbstractDataset[Mapping[str, Sequence[Any]], Any]):
    """Forecasts, write-only; each has the files of a single forecast, and is saved as soon as it is made."""

    def __init__(
        self, *, datasets: dict[str, dict[str, Any]], run_id: str, metadata: dict[str, Any] | None = None
    ) -> None:
        """Take the run, and the catalog's entries of a forecast's files, in the order of the saved values."""
        self._entries = {name: fill_ids(entry, {"run_id": run_id}) for name, entry in datasets.items()}
        self.metadata = metadata

    @property
    def place(self) -> Place:
        """The folder of the forecasts."""
        path: str = next(iter(self._entries.values()))["filepath"]
        return place_at(path.partition(FORECAST_ID)[0])

    def save(self, data: Mapping[str, Sequence[Any]]) -> None:
        """Write forecasts, keyed by their ids."""
        for forecast_id, values in data.items():
            for (name, entry), value in zip(self._entries.items(), values, strict=True):
                own = fill_ids(entry, {"forecast_id": forecast_id})
                AbstractDataset.from_config(name, own).save(value)

    def load(self) -> NoReturn:
        """Refuse: a single forecast is read by its id."""
        raise ParameterError("forecasts are read one by one: 'forecast' of the catalog, with forecast_id=...")

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.place)}
