"""Nodes of the preprocessing."""

import itertools
import logging
import math
from typing import Any

import numpy as np

from spline_lstm.contracts import ModelInput
from spline_lstm.datasets.inputs import TableFiles
from spline_lstm.evaluation.plots import make_fills_plot
from spline_lstm.evaluation.season import infer_season, season_candidates
from spline_lstm.models.registry import MODELS
from spline_lstm.models.selection import resolve_ages
from spline_lstm.parameters import RunSpec
from spline_lstm.series import bundle, frame, grid, parts
from spline_lstm.series.bundle import FilledSeries
from spline_lstm.series.columns import TableSpec, select_columns, source_of
from spline_lstm.series.frame import Observations, series_codes
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.splits import make_split_borders
from spline_lstm.series.windows import WindowSpec
from spline_lstm.types import DataFrame, Int64

logger = logging.getLogger(__name__)


def validate_table(raw_table: DataFrame, covariate_schema: CovariateSchema, table: TableSpec) -> Observations:
    """Check the raw table against the schema; see `series.frame`."""
    chosen = select_columns(raw_table, covariate_schema, table)
    for name in chosen.absent:
        logger.warning("The optional covariate '%s' is not in the table and is left out", name)
    return frame.make_observations(raw_table, chosen)


class PartOf:
    """The part of a table that one of several parts of a pipeline preprocesses."""

    def __init__(self, number: int, count: int) -> None:
        """Take which part it is, from 0, and how many there are."""
        self._number = number
        self._count = count

    def validate_part(
        self, table_files: TableFiles, covariate_schema: CovariateSchema, table: TableSpec
    ) -> Observations:
        """Check the rows of this part's series; the files are read one at a time, first for the series alone."""
        found = [self._series_in(file, covariate_schema, table) for file in table_files]
        names = {name for names, _ in found for name in names}
        chosen = parts.choose_series(names, self._number, self._count, table_files.source)
        kept = [np.array([name in chosen for name in names])[series] for names, series in found]
        rows_of = [file[rows] for file, rows in zip(table_files, kept, strict=True)]
        return validate_table(table_files.join(rows_of), covariate_schema, table)

    def _series_in(
        self, file: DataFrame, schema: CovariateSchema, table: TableSpec
    ) -> tuple[list[tuple[str, ...]], Int64]:
        return series_codes(file, select_columns(file, schema, table).series_id, source_of(file))


def join_series(*series: FilledSeries) -> FilledSeries:
    """Join the filled series of all parts."""
    return parts.join_series(series)


def fill_series(observations: Observations, table: TableSpec, fills: FillSpec, windows: WindowSpec) -> FilledSeries:
    """Put every series on its grid and fill its gaps."""
    regular = grid.make_grid(observations, table.freq, fills.max_gap)
    borders = make_split_borders(regular.borders, windows.split)
    filled = bundle.fill_series(regular, fills, borders, observations.sha256)
    logger.info(
        "%d series, %d steps of %s, %d targets filled",
        len(regular.series_names), len(regular.series), regular.frequency.alias, filled.fills.is_imputed.sum(),
    )  # fmt: skip
    return filled


def make_model_input(
    series: FilledSeries, covariate_schema: CovariateSchema, table: TableSpec, windows: WindowSpec, run: RunSpec
) -> tuple[ModelInput, DataFrame, Any]:
    """Make features and windows, and the filled series as a table and a plot for people to look at.

    All at once: of a table that is too short for a window, nothing is left behind.
    """
    made = bundle.make_model_input(
        series, covariate_schema, table, windows, processed_id=run.processed_run_id, model_types=tuple(MODELS)
    )
    past, choices = resolve_ages(windows.lookback_span, made, season_candidates(made.meta["step_seconds"]))
    made = bundle.spread_lookback(made, past, {"lookback_span": choices} if choices else {})
    season = infer_season(made) if windows.stride > 1 else 1
    if math.gcd(windows.stride, season) > 1:
        logger.warning(
            "stride=%d shares a factor with the season of %d steps, so training never sees some of its phases; "
            "take one that does not, such as %d",
            windows.stride, season, _coprime(windows.stride, season),
        )  # fmt: skip
    counts = made.meta["split"]["windows"]
    logger.info("F_total=%d (%s); windows: %s", made.meta["f_total"], ", ".join(made.feature_names), counts)
    filled = bundle.make_filled_table(series)
    return made, filled, make_fills_plot(filled, series.grid.columns.targets)


def _coprime(stride: int, season: int) -> int:
    """Next stride that shares no factor with the season."""
    return next(step for step in itertools.count(stride) if math.gcd(step, season) == 1)
