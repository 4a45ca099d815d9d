"""From a raw table to validated, sorted rows: melted, checked and resampled as the parameters say."""

from spline_lstm.series.columns import TableSpec, select_columns
from spline_lstm.series.layout import make_long
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.resampling import resample
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.types import DataFrame


def read_observations(table: DataFrame, schema: CovariateSchema, spec: TableSpec) -> Observations:
    """Read a table as the parameters say; the called functions document their errors."""
    long, fitting = make_long(table, schema, spec)
    observed = make_observations(long, select_columns(long, schema, fitting), fitting)
    return resample(observed, spec.freq, spec.resample)
