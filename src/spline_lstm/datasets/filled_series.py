"""Filled series of one partition, stored until all partitions are joined."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from spline_lstm.datasets.arrays import read_arrays, write_arrays
from spline_lstm.datasets.files import FileDataset
from spline_lstm.datasets.storage import atomic_path, local_file, shown
from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.series.columns import Columns
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.frequency import Frequency
from spline_lstm.series.grid import Grid
from spline_lstm.series.observations import Reading
from spline_lstm.series.spline import Fill, FillSpec
from spline_lstm.series.splits import SplitBorders
from spline_lstm.text import first_line

_ARRAYS = {
    "grid": ("series", "timestamps", "values", "borders"),
    "fills": tuple(field.name for field in fields(Fill)),
    "borders": tuple(field.name for field in fields(SplitBorders)),
}


@dataclass(frozen=True)
class _Header:
    """Everything in a grid and its fills except the arrays."""

    source: str
    columns: Columns
    reading: Reading
    frequency: Frequency
    series_names: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    statics: dict[str, tuple[str, ...]]
    absent_rows: int
    trimmed_rows: int
    spec: FillSpec
    sha256: str | None


class FilledSeriesDataset(FileDataset):
    """The filled series of one partition in an npz file: arrays, and a header in JSON."""

    def save(self, data: FilledSeries) -> None:
        """Write the file atomically."""
        grid = data.grid
        own = {field.name: getattr(grid, field.name) for field in fields(_Header) if hasattr(grid, field.name)}
        header = TypeAdapter(_Header).dump_json(_Header(**own, spec=data.spec, sha256=data.sha256))
        arrays = {"header": np.frombuffer(header, np.uint8)}
        for group, names in _ARRAYS.items():
            arrays |= {f"{group}.{name}": getattr(getattr(data, group), name) for name in names}
        with atomic_path(self._filepath) as temporary:
            write_arrays(temporary, arrays)

    def load(self) -> FilledSeries:
        """Read the file.

        Raises:
            ArtifactMissingError: There is no such file.
            ArtifactDamagedError: The file does not hold filled series.

        """
        wanted = [f"{group}.{name}" for group, names in _ARRAYS.items() for name in names]
        with local_file(self._filepath, self._made_by) as path:
            arrays = read_arrays(path, ("header", *wanted), source=shown(self._filepath))
        try:
            header = TypeAdapter(_Header).validate_json(arrays["header"].tobytes())
            groups = {group: {name: arrays[f"{group}.{name}"] for name in names} for group, names in _ARRAYS.items()}
        except (KeyError, ValidationError) as error:
            raise ArtifactDamagedError(
                f"{shown(self._filepath)} is damaged: {first_line(error)}; make it with: {self._made_by}"
            ) from None
        own: dict[str, Any] = {
            field.name: getattr(header, field.name) for field in fields(Grid) if hasattr(header, field.name)
        }
        return FilledSeries(
            Grid(**own | groups["grid"]),
            Fill(**groups["fills"]),
            SplitBorders(**groups["borders"]),
            header.spec,
            header.sha256,
        )
