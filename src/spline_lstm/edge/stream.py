"""Forecasts of a table that grows, without its whole history.

    stream = Stream(load_forecaster("data/06_models/bicycles/edge"))
    stream.append(rows)                  # a DataFrame, as often as there are new rows
    stream.forecast()                    # what the forecaster makes of all rows together, bit for bit

A service that receives single rows keeps a stream instead of a growing table.
"""

import hashlib
from dataclasses import replace

import numpy as np

from spline_lstm.edge.forecaster import Forecaster
from spline_lstm.edge.runtime import Run
from spline_lstm.errors import InsufficientDataError
from spline_lstm.series.recent_rows import add_rows, keep_recent
from spline_lstm.types import DataFrame, Float32


class Stream:
    """The recent rows of any number of series, and the network's outputs for their windows.

    It keeps the rows that the next forecast needs, and the outputs for windows of the history, which the intervals
    follow. So a forecast runs the network only on windows with new rows. Only one thread may use it at a time.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        """Begin without rows."""
        self._outputs = _Outputs(forecaster.run)
        self._forecaster = replace(forecaster, run=self._outputs)
        self._table: DataFrame | None = None
        self._kept = 0

    def append(self, rows: DataFrame) -> None:
        """Add new rows of any series. They are checked by the next forecast.

        Args:
            rows: A table with the columns of the run's table. A row replaces an earlier one of the same series and
                time. So append values known ahead first, in a row without target, and the complete row later.

        """
        known = self._table
        self._table = rows.copy() if known is None else add_rows(known, rows, self._forecaster.preprocessor)

    def forecast(self, *, strict: bool = False) -> DataFrame:
        """Forecast the steps after the last target of every series; arguments, table and errors are the forecaster's.

        Raises:
            InsufficientDataError: There are no rows yet.

        """
        if self._table is None:
            raise InsufficientDataError("the stream has no rows yet; append some")
        self._outputs.begin()
        made = self._forecaster.forecast(self._table, strict=strict)
        if len(self._table) > 2 * self._kept:
            self._table = keep_recent(self._table, self._forecaster.preprocessor, self._forecaster.past)
            self._kept = len(self._table)
        return made


class _Outputs:
    """Runs each window once, and forgets windows that the last forecast did not use."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._before: dict[bytes, Float32] = {}
        self._made: dict[bytes, Float32] = {}

    def begin(self) -> None:
        """Begin a forecast."""
        self._before, self._made = self._made, {}

    def __call__(self, windows: Float32) -> Float32:
        """Return the outputs of windows in scaled units."""
        keys = [hashlib.sha256(window.tobytes()).digest() for window in windows]
        self._made |= {key: self._before[key] for key in keys if key in self._before}
        new = [place for place, key in enumerate(keys) if key not in self._made]
        if new:
            self._made |= zip([keys[place] for place in new], self._run(windows[new]), strict=True)
        return np.stack([self._made[key] for key in keys])
