"""Forecasts of a table that grows, without its whole history.

    stream = Stream(load_forecaster("data/06_models/bicycles/edge"))
    stream.append(rows)                  # a DataFrame, as often as there are new rows
    stream.forecast()                    # what the forecaster makes of all rows together, bit for bit

A service that receives single rows keeps a stream instead of a growing table.
"""

from spline_lstm.edge.forecaster import Forecaster
from spline_lstm.errors import InsufficientDataError
from spline_lstm.series.recent_rows import add_rows, keep_recent
from spline_lstm.types import DataFrame


class Stream:
    """The recent rows of any number of series: those that the next forecast and its intervals need.

    The network runs on the windows that it would run on with all rows, because the last bits of an output depend on how
    many windows are run together. Only one thread may use a stream at a time.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        """Begin without rows."""
        self._forecaster = forecaster
        self._table: DataFrame | None = None
        self._kept = 0

    def append(self, rows: DataFrame) -> None:
        """Add new rows of any series. They are checked by the next forecast.

        Args:
            rows: A table with the columns of the run's table. A row replaces an earlier one of the same series and
                time, if both times are written alike. So append values known ahead first, in a row without target,
                and the complete row later.

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
        made = self._forecaster.forecast(self._table, strict=strict)
        if len(self._table) > 2 * self._kept:
            self._table = keep_recent(self._table, self._forecaster.preprocessor, self._forecaster.past)
            self._kept = len(self._table)
        return made
