"""Nodes of the preprocessing."""

import itertools
import logging
import math
from typing import Any

import numpy as np

from spline_lstm.datasets.inputs import TableFiles, return_memory
from spline_lstm.errors import TableError
from spline_lstm.models.registry import MODELS
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.plots import make_fill_pictures
from spline_lstm.reporting.wording import short_time
from spline_lstm.selection.lookback import resolve_ages
from spline_lstm.selection.scaling import resolve_target_scaling
from spline_lstm.selection.seasonal_lags import choose_lags
from spline_lstm.selection.window_length import SHORT, choose_window_length
from spline_lstm.series import assembly, filled_series, grid, partitions
from spline_lstm.series.assembly import span_of
from spline_lstm.series.columns import TableSpec, select_columns, source_of
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.layout import make_long
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.observations import Observations, series_codes
from spline_lstm.series.reading import read_observations
from spline_lstm.series.scaling import TargetScaling
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.season import infer_season, season_candidates
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.splits import make_split_borders
from spline_lstm.series.windows import WindowParameters, WindowSpec
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


def make_model_input(
    table_files: TableFiles,
    covariate_schema: CovariateSchema,
    table: TableSpec,
    fills: FillSpec,
    windows: WindowParameters,
    run: RunSpec,
) -> tuple[ModelInput, DataFrame, Any]:
    """Check the table against the schema, fill the gaps of every series, and cut windows; see `window_series`.

    The table is read here: if Kedro held it, it would stay in memory to the end.
    """
    series = _fill(_observe(table_files.join(list(table_files)), covariate_schema, table), table, fills, windows)
    return window_series(series, covariate_schema, table, windows, run)


def _observe(rows: DataFrame, covariate_schema: CovariateSchema, table: TableSpec) -> Observations:
    """Check rows of the table against the schema; see `series.reading`."""
    observed = read_observations(rows, covariate_schema, table)
    for name in observed.columns.absent:
        logger.warning("The optional covariate '%s' is not in the table and is left out", name)
    if observed.reading.repeated_rows:
        logger.warning(
            "Rows with the time of another row of their series: %d; duplicates=%s",
            observed.reading.repeated_rows,
            table.duplicates,
        )
    return observed


def _fill(observations: Observations, table: TableSpec, fills: FillSpec, windows: WindowParameters) -> FilledSeries:
    """Put every series on its grid and fill its gaps."""
    return_memory()  # the memory of the table, which is no longer used
    regular = grid.make_grid(observations, table.freq, fills.max_gap)
    borders = make_split_borders(regular.borders, windows.split)
    filled = filled_series.fill_series(regular, fills, borders, observations.sha256)
    alias = regular.frequency.alias
    first, last = (short_time(str(stamp), alias) for stamp in span_of(regular.timestamps))
    logger.info(
        "%s: %d rows, %d series from %s to %s in steps of %s; %d targets filled",
        regular.source,
        len(observations.series),
        len(regular.series_names),
        first,
        last,
        alias,
        filled.fills.is_imputed.sum(),
    )
    return filled


def list_series(table_files: TableFiles, covariate_schema: CovariateSchema, table: TableSpec) -> list[dict[str, Any]]:
    """List the series of every file, so that each partition reads only the files that hold its own.

    Returns:
        For each file its `rows`, `sha256` and `series` (the labels of each).

    Raises:
        TableError: A column of labels has different types in two files, so that equal labels would differ.

    """
    listed = []
    types: dict[str, Any] = {}
    for raw in table_files:
        file, fitting = make_long(raw, covariate_schema, table)
        columns = select_columns(file, covariate_schema, fitting)
        categories = [item.name for item in columns.dynamic if item.is_category]
        for name in (*columns.series_id, *categories, *(item.name for item in columns.static)):
            if types.setdefault(name, file[name].dtype) != file[name].dtype:
                raise TableError(
                    f"{source_of(file)}, column '{name}': its cells are {file[name].dtype}, and {types[name]} in "
                    "another file; write them alike, or give partitions=1"
                )
        names, _ = series_codes(file, columns.series_id, source_of(file))
        hash_of_file = raw.attrs.get("sha256")
        listed.append({"rows": len(raw), "sha256": hash_of_file, "series": [list(name) for name in names]})
    return listed


class Partition:
    """A node that checks and fills some series of a table."""

    def __init__(self, number: int, count: int) -> None:
        """Take the number of the partition, from 0, and the number of partitions."""
        self._number = number
        self._count = count

    def fill_series(
        self,
        table_files: TableFiles,
        file_series: list[dict[str, Any]],
        covariate_schema: CovariateSchema,
        table: TableSpec,
        fills: FillSpec,
        windows: WindowParameters,
    ) -> FilledSeries:
        """Check and fill this partition's series, from the files that hold them, read one at a time.

        Raises:
            TableError: A file has changed since its series were listed.

        """
        names = {tuple(name) for file in file_series for name in file["series"]}
        chosen = partitions.choose_series(names, self._number, self._count, table_files.source)
        rows, fitting, rows_before = [], table, 0
        for number, listed in enumerate(file_series):
            if any(tuple(name) in chosen for name in listed["series"]):
                raw = table_files.read(number, rows_before)
                if raw.attrs.get("sha256") != listed["sha256"]:
                    raise TableError(partitions.OTHERS.format(source=source_of(raw)))
                file, fitting = make_long(raw, covariate_schema, table)
                columns = select_columns(file, covariate_schema, fitting)
                found, codes = series_codes(file, columns.series_id, source_of(file))
                rows.append(file[np.array([name in chosen for name in found], dtype=bool)[codes]])
            rows_before += listed["rows"]
        joined = table_files.join(rows, [file["sha256"] for file in file_series])
        return _fill(_observe(joined, covariate_schema, fitting), table, fills, windows)


def join_series(windows: WindowParameters, *series: FilledSeries) -> FilledSeries:
    """Join the filled series of all partitions."""
    return partitions.join_series(series, windows.split)


def window_series(
    series: FilledSeries, covariate_schema: CovariateSchema, table: TableSpec, windows: WindowParameters, run: RunSpec
) -> tuple[ModelInput, DataFrame, Any]:
    """Make features and windows, and the filled series as a table and a plot.

    One node makes all of them, so that a table too short for a window leaves no files.
    """
    made, choices = _make_windows(series, covariate_schema, table, _short(windows), run)
    seasons = season_candidates(made.meta["step_seconds"])
    scaled = table.model_copy(update={"target_scaling": "series" if made.series_scalers else "global"})
    past = None
    if windows.lookback == "auto":
        past, record = choose_window_length(made, seasons)
        choices |= {"lookback": record} if record else {}
        windows = WindowSpec(**windows.model_dump() | {"lookback": len(past)})
        if len(past) != made.lookback:
            made, _ = _make_windows(series, covariate_schema, scaled, windows, run)
    if covariate_schema.seasonal_lags == "auto" and series.grid.columns.described:
        lags, record = choose_lags(made, seasons)
        choices |= {"seasonal_lags": record} if record else {}
        if lags:
            with_lags = covariate_schema.model_copy(update={"seasonal_lags": lags})
            made, _ = _make_windows(series, with_lags, scaled, _short(windows), run)
    if past is None:
        past, record = resolve_ages(windows.lookback_span, made, seasons)
        choices |= {"lookback_span": record} if record else {}
    made = assembly.spread_lookback(made, past, choices)
    season = infer_season(made) if windows.stride > 1 else 1
    if math.gcd(windows.stride, season) > 1:
        logger.warning(
            "stride=%d shares a factor with the season of %d steps, so training never sees some of its phases; "
            "take one that does not, such as %d",
            windows.stride,
            season,
            _coprime(windows.stride, season),
        )
    counts = made.meta["split"]["windows"]
    logger.info("F_total=%d (%s); windows: %s", made.meta["f_total"], ", ".join(made.feature_names), counts)
    for weakness in made.meta["seen"].get("weaknesses", []):
        logger.warning(weakness)
    filled = filled_series.make_filled_table(series)
    return made, filled, make_figure("Spline fills", make_fill_pictures(filled, series.grid.columns.targets))


def _short(windows: WindowParameters) -> WindowSpec:
    """Return the first windows: `auto` begins with few rows, but at least the horizon, so that leads fit."""
    lookback = max(SHORT, windows.horizon) if windows.lookback == "auto" else windows.lookback
    return WindowSpec(**windows.model_dump() | {"lookback": lookback})


def _make_windows(
    series: FilledSeries, schema: CovariateSchema, table: TableSpec, windows: WindowSpec, run: RunSpec
) -> tuple[ModelInput, dict[str, Any]]:
    """Make features and windows with the wanted or the better target scaling, and a record of that choice."""

    def make(scaling: TargetScaling) -> ModelInput:
        spec = table.model_copy(update={"target_scaling": scaling})
        return assembly.make_model_input(
            series, schema, spec, windows, processed_id=run.processed_run_id, model_types=tuple(MODELS)
        )

    made = make("series" if table.target_scaling == "series" else "global")
    chosen, record = resolve_target_scaling(table.target_scaling, made)
    if chosen == "series" and not made.series_scalers:
        made = make(chosen)
    return made, {"target_scaling": record} if record else {}


def _coprime(stride: int, season: int) -> int:
    """Return the next stride that shares no factor with the season."""
    return next(step for step in itertools.count(stride) if math.gcd(step, season) == 1)
