"""What splines are worth: fills, smoothing in the graph, a spline basis for the horizon.

Run with `make studies`. On the bundled table, with holes cut and noise added.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import MemoryDataset
from scipy.interpolate import BSpline
from tests.benchmarks import svg
from tests.benchmarks.accuracy import parameters, run_default

from spline_lstm.datasets.inputs import TableDataset, WholeTable, read_schema
from spline_lstm.models.ridge import RidgeData, fit_ridge, masked_mse, ridge_data
from spline_lstm.models.smoothing import make_smoothing_matrix
from spline_lstm.pipelines.preprocessing.nodes import Partition, list_series
from spline_lstm.reporting.markdown import table as markdown_table
from spline_lstm.series import assembly
from spline_lstm.series.assembly import spread_lookback
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.lazy_windows import cut_lookbacks
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.spline import Fill, FillSpec
from spline_lstm.series.windows import WindowSpec, consecutive_ages, make_ages

ROOT = Path(__file__).parents[2]
SHARES, NOISES, PENALTIES, KNOTS = (0.1, 0.2, 0.3), (0.0, 2.0, 4.0), (0.0, 0.1, 1.0, 10.0), (4, 6, 8, 12)
WAYS = ("spline", "linear", "last value")
COLOURS, DASHES = ("#d6452b", "#2b66d6", "#2e8b57"), ("", "5 4", "2 3")
PLOT, PLOTTED_ROWS = ROOT / "docs" / "explanation" / "splines.svg", (7690, 7763)
SETTINGS = parameters(max_gap=200, max_missing_ratio=0.6)
SCHEMA = read_schema(ROOT / SETTINGS.covariate_spec)


def load_table() -> pd.DataFrame:
    """The bundled table."""
    return TableDataset(filepath=str(ROOT / SETTINGS.input_path)).load()


def cut_holes(table: pd.DataFrame, share: float, seed: int = 0) -> pd.DataFrame:
    """Empty a share of the targets, in gaps of 1 to 8 steps; every series keeps its ends."""
    random, holes = np.random.default_rng(seed), np.zeros(len(table), dtype=bool)
    while holes.mean() < share:
        start = random.integers(30, len(table) - 40)
        holes[start : start + random.integers(1, 9)] = True
    is_edge = table["station"].ne(table["station"].shift(1)) | table["station"].ne(table["station"].shift(-1))
    holes &= (table["target"].ne("") & ~is_edge).to_numpy()
    damaged = table.copy()
    damaged.attrs = table.attrs
    damaged.loc[holes, "target"] = ""
    return damaged


def add_noise(table: pd.DataFrame, sigma: float, seed: int = 1) -> pd.DataFrame:
    """Add noise of standard deviation `sigma`, in the target's unit."""
    noisy = table.copy()
    noisy.attrs = table.attrs
    values = pd.to_numeric(table["target"], errors="coerce")
    values += sigma * np.random.default_rng(seed).normal(size=len(values))
    noisy["target"] = values.map(repr).where(values.notna(), "")
    return noisy


def fill(table: pd.DataFrame) -> FilledSeries:
    """From the raw table to filled series, as the pipeline does."""
    whole = WholeTable(MemoryDataset(table, copy_mode="assign"))
    specs = [SETTINGS.part(kind) for kind in (TableSpec, FillSpec, WindowSpec)]
    return Partition(0, 1).fill_series(whole, list_series(whole, SCHEMA, specs[0]), SCHEMA, *specs)


def filled_otherwise(filled: FilledSeries, how: str) -> FilledSeries:
    """The same series with their gaps filled linearly or by the last value."""
    values = filled.grid.values[:, :1].copy()
    rows, seen = np.arange(len(values)), ~np.isnan(values[:, 0])
    if how == "linear":
        values[:, 0] = np.interp(rows, rows[seen], values[seen, 0])
    if how == "last value":
        values[:, 0] = values[np.maximum.accumulate(np.where(seen, rows, 0)), 0]
    last_used = filled.fills.last_used
    return replace(filled, fills=Fill(values, filled.fills.is_imputed, last_used))


def windows_of(filled: FilledSeries) -> ModelInput:
    """Univariate windows of consecutive rows."""
    return assembly.make_model_input(
        filled, SCHEMA, SETTINGS.part(TableSpec), SETTINGS.part(WindowSpec), processed_id="study", model_types=()
    )


def rmse(data: ModelInput, forecast: np.ndarray, split: int) -> float:
    """RMSE of scaled forecasts over what was observed, in the target's unit."""
    return float(np.sqrt(masked_mse(forecast, ridge_data(data, split)))) * float(
        data.target_scaling(np.array([0]))[1][0, 0]
    )


def ridge_rmse(data: ModelInput, split: int, matrix: np.ndarray | None = None) -> float:
    """RMSE of a ridge regression on windows whose targets went through `matrix`."""
    parts = [ridge_data(data, number) for number in (0, 1, split)]
    if matrix is not None:
        parts = [replace(part, inputs=(part.inputs @ matrix.T).astype(np.float32)) for part in parts]
    return rmse(data, fit_ridge(*parts[:2]).predict(parts[2].inputs), split)


def fill_ways(share: float, sigma: float) -> tuple[np.ndarray, list[FilledSeries], np.ndarray]:
    """Empty a share of the noisy targets and fill them in every way.

    Returns:
        The truth, the filled series by way, and which rows were emptied.

    """
    reference = fill(load_table())
    filled = fill(cut_holes(add_noise(load_table(), sigma), share))
    emptied = filled.fills.is_imputed[:, 0] & ~reference.fills.is_imputed[:, 0]
    ways = [filled, *(filled_otherwise(filled, how) for how in WAYS[1:])]
    return reference.fills.values[:, 0], ways, emptied


def fill_errors(truth: np.ndarray, ways: list[FilledSeries], emptied: np.ndarray) -> list[float]:
    """RMSE of each way at the emptied points."""
    return [float(np.sqrt(np.mean((way.fills.values[:, 0] - truth)[emptied] ** 2))) for way in ways]


def study_fills() -> str:
    """Error of the fills at the emptied points, and of the forecasts of a ridge regression on them."""
    rows = []
    for share in SHARES:
        for sigma in NOISES:
            truth, ways, emptied = fill_ways(share, sigma)
            forecasts = [ridge_rmse(windows_of(way), 2) for way in ways]
            numbers = (*fill_errors(truth, ways, emptied), *forecasts)
            rows.append([f"{share:.0%}", f"{sigma:g}", *(f"{number:.3f}" for number in numbers)])
    heading = ["missing", "noise", *(f"{what}: {how}" for what in ("fill", "forecast") for how in WAYS)]
    return markdown_table(heading, rows, numbers=True)


def plot_fills() -> str:
    """Draw a few gaps with what fills them, beside the errors of all of them; returns where."""
    parts = [*_draw_gaps(), *_draw_errors()]
    for place, (way, colour, dashes) in enumerate(zip(WAYS, COLOURS, DASHES, strict=True)):
        y = 60 + 22 * place
        parts += [svg.path([(690, y), (720, y)], colour, dashes), svg.text(728, y + 4, way, "start")]
    parts += [svg.dot(705, 126, svg.GREY, "white"), svg.text(728, 130, "truth in the gap", "start")]
    parts += [svg.path([(690, 148), (720, 148)], "black"), svg.text(728, 152, "observed", "start")]
    for place, (words, opacity) in enumerate((("without noise", 1.0), ("noise of 4 °F", 0.35))):
        y = 180 + 22 * place
        parts += [svg.bar(698, y - 6, 14, 12, svg.GREY, opacity), svg.text(728, y + 4, words, "start")]
    PLOT.write_text(svg.picture(850, 380, "Fills of a few gaps, and their errors", parts))
    return str(PLOT.relative_to(ROOT))


def _draw_gaps() -> list[str]:
    truth, ways, emptied = fill_ways(SHARES[1], NOISES[0])
    first, end = PLOTTED_ROWS
    rows = np.arange(first, end)
    low, high = 5 * np.floor(truth[rows].min() / 5), 5 * np.ceil(truth[rows].max() / 5)
    panel = svg.Panel(36, 50, 330, 270, (0, end - first - 1), (low, high))
    hours = {float(hour): f"{hour} h" for hour in range(0, end - first, 24)}
    parts = panel.frame("Gaps cut at random, and their fills (°F)", np.arange(low, high + 1, 5), hours)
    beside = emptied | np.roll(emptied, 1) | np.roll(emptied, -1)
    for way, colour, dashes in zip(ways, COLOURS, DASHES, strict=True):
        values = np.where(beside, way.fills.values[:, 0], np.nan)
        parts.append(svg.path(((panel.x(row - first), panel.y(values[row])) for row in rows), colour, dashes))
    seen = np.where(emptied, np.nan, truth)
    parts.append(svg.path(((panel.x(row - first), panel.y(seen[row])) for row in rows), "black"))
    gaps = rows[emptied[rows]]
    return parts + [svg.dot(panel.x(row - first), panel.y(truth[row]), svg.GREY, "white") for row in gaps]


def _draw_errors() -> list[str]:
    panel = svg.Panel(410, 50, 260, 270, (0, len(SHARES)), (0, 7))
    labels = {place + 0.5: f"{share:.0%}" for place, share in enumerate(SHARES)}
    parts = panel.frame("RMSE of the fills (°F), by share missing", range(8), labels)
    width = panel.width / len(SHARES) / 7
    for place, share in enumerate(SHARES):
        for side, (sigma, opacity) in enumerate(((NOISES[0], 1.0), (NOISES[-1], 0.35))):
            for number, error in enumerate(fill_errors(*fill_ways(share, sigma))):
                x = panel.x(place) + width * (0.5 + 2 * number + side)
                height = panel.y(0) - panel.y(error)
                parts.append(svg.bar(x, panel.y(error), width - 2, height, COLOURS[number], opacity))
    return parts


def study_smoothing() -> str:
    """Validation / test RMSE with smoothed windows: a ridge regression, then the plain LSTM, at levels of noise."""
    rows = []
    for sigma in NOISES:
        data = windows_of(fill(add_noise(load_table(), sigma)))
        ages = tuple(range(data.lookback))[::-1]
        matrices = [make_smoothing_matrix(ages, penalty) for penalty in PENALTIES]
        pairs = [[ridge_rmse(data, split, matrix) for split in (1, 2)] for matrix in matrices]
        rows.append(["ridge", f"{sigma:g}", *(f"{val:.3f} / {test:.3f}" for val, test in pairs)])
        plain = [
            run_default(data, parameters(linear_path="none", link="identity", spline_smoothing=penalty), 42)[0]
            for penalty in PENALTIES
        ]
        pairs = [[metrics[split]["model"]["overall"]["rmse"] for split in ("val", "test")] for metrics in plain]
        rows.append(["plain LSTM", f"{sigma:g}", *(f"{val:.3f} / {test:.3f}" for val, test in pairs)])
    return markdown_table(["model", "noise", *(f"penalty {penalty:g}" for penalty in PENALTIES)], rows, numbers=True)


def study_lookback() -> str:
    """Validation and test RMSE of a ridge regression on 24 numbers, or more, that describe a longer past."""
    data = windows_of(fill(load_table()))
    rows = []
    for span in (24, 48, 96, 168, 336):
        ages = consecutive_ages(span, 1)
        first = data.series_starts[data.window_series]
        seen = cut_lookbacks(data.scaled, data.window_origin, ages, first)[:, :, 0]
        knots = make_ages(data.lookback, span)[::-1]
        basis = np.stack([np.interp(ages[:, 0], knots, unit) for unit in np.eye(len(knots))], axis=1)
        described = {
            f"all {span} rows": seen,
            "24 rows, ever farther apart": spread_lookback(data, make_ages(data.lookback, span), {}).X[:][:, :, 0],
            "24 coefficients of a linear spline": (seen @ (basis / basis.sum(axis=0))).astype(np.float32),
        }
        for name, inputs in described.items():
            parts = [RidgeData(inputs[data.windows_of(s)], *_targets(data, s)) for s in (0, 1, 2)]
            fitted = fit_ridge(*parts[:2])
            rows.append([str(span), name, *(f"{rmse(data, fitted.predict(parts[s].inputs), s):.3f}" for s in (1, 2))])
    return markdown_table(["span", "inputs", "val", "test"], rows)


def _targets(data: ModelInput, split: int) -> tuple[np.ndarray, np.ndarray]:
    windows = data.windows_of(split)
    return data.y[windows], data.y_mask[windows]


def study_horizon_basis() -> str:
    """RMSE of ridge forecasts projected onto cubic splines over the horizon."""
    data = windows_of(fill(load_table()))
    parts: list[Any] = [ridge_data(data, number) for number in (0, 1, 2)]
    fitted = fit_ridge(*parts[:2])
    forecasts = {split: fitted.predict(parts[split].inputs) for split in (1, 2)}
    rows = [["free", *(f"{rmse(data, forecasts[split], split):.3f}" for split in (1, 2))]]
    for count in KNOTS:
        inner = np.linspace(0, 1, count - 2)
        knots = np.concatenate([[0] * 3, inner, [1] * 3])
        basis = BSpline.design_matrix(np.linspace(0, 1, data.horizon), knots, 3).toarray()
        projection = basis @ np.linalg.pinv(basis)
        rows.append(
            [f"{count} coefficients", *(f"{rmse(data, forecasts[s] @ projection.T, s):.3f}" for s in (1, 2))]
        )  # fmt: skip
    return markdown_table(["horizon", "val", "test"], rows, numbers=True)


def main() -> None:
    """Print all tables."""
    logging.disable(logging.WARNING)
    for study in (study_fills, plot_fills, study_lookback, study_horizon_basis, study_smoothing):
        print(f"{study.__doc__}\n\n{study()}\n", flush=True)


if __name__ == "__main__":
    main()
