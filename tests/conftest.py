"""Shared fixtures: the project's own parameters and schema, and small tables that look like real ones."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, settings
from omegaconf import OmegaConf

from spline_lstm.errors import SplineLSTMError
from spline_lstm.evaluation.scores import EvaluationSpec, evaluate, evaluate_quantiles
from spline_lstm.pipelines import plan
from spline_lstm.project.parameters import Parameters, parse_parameters
from spline_lstm.series import assembly, filled_series, grid
from spline_lstm.series.columns import Columns, TableSpec, select_columns
from spline_lstm.series.filled_series import FilledSeries
from spline_lstm.series.grid import Grid
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.schema import CovariateSchema, parse_schema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.splits import make_split_borders
from spline_lstm.series.windows import WindowSpec, make_ages

settings.register_profile("fast", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=500, deadline=None)
settings.register_profile("mutants", settings.get_profile("fast"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

PROJECT = Path(__file__).parents[1]
BASE = PROJECT / "conf" / "base"
SMALL_WINDOWS = {"lookback": 6, "horizon": 3}
WEATHER_SCHEMA = {
    "version": "phase5.v1",
    "timestamp_col": "timestamp",
    "target_cols": ["target"],
    "dynamic_covariates": [{"name": "dew_point"}, {"name": "humidity"}, {"name": "pressure"}],
    "calendar_features": {"features": ["hour_sin", "hour_cos", "dow_sin", "dow_cos"], "known_future": True},
    "static_covariates": [{"name": "station", "dim": 3}],
    "missing_policy": {
        "target": "interpolate_then_drop_if_remaining",
        "dynamic_covariates": "ffill_bfill_then_zero",
        "static_covariates": "unknown_token",
    },
    "units": {"target": "°F", "dew_point": "°F", "humidity": "%", "pressure": "mbar"},
}
"""Describes the tables of `make_table`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
    keras = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
    for item in items:
        if item.path.parent.name in ("models", "selection"):
            item.add_marker(keras)


@pytest.fixture(scope="module", autouse=True)
def leave_no_plan() -> Iterator[None]:
    """Take away the plan that a context has left for pipelines, once the module that made the context has ended."""
    yield
    plan._current.clear()


@pytest.fixture(scope="session")
def project() -> Path:
    """Root of the project."""
    return PROJECT


@pytest.fixture(scope="session")
def make_parameters() -> Callable[..., Parameters]:
    """Parameters as the project ships them, with changes."""
    files = sorted(BASE.glob("parameters*.yml"))
    defaults = OmegaConf.to_container(OmegaConf.merge(*(OmegaConf.load(path) for path in files)))
    return lambda **changes: parse_parameters({**defaults, **changes})


@pytest.fixture(scope="session")
def make_schema() -> Callable[..., CovariateSchema]:
    """The schema of the small tables, with changes to its top-level keys."""
    return lambda **changes: parse_schema(json.dumps({**WEATHER_SCHEMA, **changes}), "test.schema.json")


@pytest.fixture(scope="session")
def default_schema(make_schema: Callable[..., CovariateSchema]) -> CovariateSchema:
    """The schema of the small tables."""
    return make_schema()


@pytest.fixture(scope="session")
def make_table() -> Callable[..., pd.DataFrame]:
    """Make a table of hourly weather at some stations, in order of station and time.

    `gaps` maps a column to the rows that are empty in each series, `absent` lists the rows that each
    series lacks altogether.
    """

    def make(
        steps: int = 60,
        series: tuple[str, ...] = ("EWR", "JFK"),
        *,
        freq: str = "h",
        gaps: dict[str, list[int]] | None = None,
        absent: tuple[int, ...] = (),
        seed: int = 0,
    ) -> pd.DataFrame:
        parts = [_make_series(name, steps, freq, seed + number) for number, name in enumerate(series)]
        for part in parts:
            for column, rows in (gaps or {}).items():
                part.loc[rows, column] = np.nan
        return pd.concat([part.drop(index=list(absent)) for part in parts], ignore_index=True)

    return make


def _make_series(name: str, steps: int, freq: str, seed: int) -> pd.DataFrame:
    noise = np.random.default_rng(seed).standard_normal((steps, 4))
    wave = 10 * np.sin(2 * np.pi * np.arange(steps) / 24)
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2024-01-01", periods=steps, freq=freq, tz="UTC"),
            "station": name,
            "target": 50 + wave + noise[:, 0],
            "dew_point": 40 + wave + noise[:, 1],
            "humidity": 60 + 5 * noise[:, 2],
            "pressure": 1013 + noise[:, 3],
        }
    )


@pytest.fixture(scope="session")
def select_from(
    make_parameters: Callable[..., Parameters], default_schema: CovariateSchema
) -> Callable[..., Columns]:  # fmt: skip
    """Choose the columns of a table that take part."""

    def run(table: pd.DataFrame, schema: CovariateSchema = default_schema, **changes: Any) -> Columns:
        return select_columns(table, schema, make_parameters(**changes).part(TableSpec))

    return run


@pytest.fixture(scope="session")
def observe_table(select_from: Callable[..., Columns], default_schema: CovariateSchema) -> Callable[..., Observations]:
    """Validate a table."""

    def run(table: pd.DataFrame, schema: CovariateSchema = default_schema, **changes: Any) -> Observations:
        return make_observations(table, select_from(table, schema, **changes))

    return run


@pytest.fixture(scope="session")
def grid_table(
    make_parameters: Callable[..., Parameters],
    default_schema: CovariateSchema,
    observe_table: Callable[..., Observations],
) -> Callable[..., Grid]:
    """Validate a table and put it on its grid."""

    def run(table: pd.DataFrame, schema: CovariateSchema = default_schema, **changes: Any) -> Grid:
        parameters = make_parameters(**changes)
        return grid.make_grid(observe_table(table, schema, **changes), parameters.freq, parameters.max_gap)

    return run


@pytest.fixture(scope="session")
def fill_table(
    make_parameters: Callable[..., Parameters], default_schema: CovariateSchema, grid_table: Callable[..., Grid]
) -> Callable[..., FilledSeries]:
    """Go from a table to series without gaps."""

    def run(table: pd.DataFrame, schema: CovariateSchema = default_schema, **changes: Any) -> FilledSeries:
        parameters = make_parameters(**changes)
        regular = grid_table(table, schema, **changes)
        borders = make_split_borders(regular.borders, parameters.split)
        return filled_series.fill_series(regular, parameters.part(FillSpec), borders, None)

    return run


@pytest.fixture(scope="session")
def prepare_table(
    make_parameters: Callable[..., Parameters],
    default_schema: CovariateSchema,
    fill_table: Callable[..., FilledSeries],
) -> Callable[..., ModelInput]:
    """Go from a table to windows; they are small unless told otherwise."""

    def run(table: pd.DataFrame, schema: CovariateSchema = default_schema, **changes: Any) -> ModelInput:
        parameters = make_parameters(**{**SMALL_WINDOWS, **changes})
        made = assembly.make_model_input(
            fill_table(table, schema, **{**SMALL_WINDOWS, **changes}),
            schema, parameters.part(TableSpec), parameters.part(WindowSpec),
            processed_id="test", model_types=("lstm",),
        )  # fmt: skip
        past = make_ages(made.lookback, changes.get("lookback_span", made.lookback))
        return assembly.spread_lookback(made, past, {})

    return run


@pytest.fixture(scope="session")
def prepare(prepare_table: Any) -> Callable[..., ModelInput]:
    """Preprocess a signal under noise, an hour a step; six consecutive rows are a window unless changed."""

    def run(signal: Any, noise: float = 1.0, **changes: Any) -> ModelInput:
        values = signal + noise * np.random.default_rng(0).normal(size=len(signal))
        stamps = pd.date_range("2024-01-01", periods=len(signal), freq="h", tz="UTC")
        bundle: ModelInput = prepare_table(pd.DataFrame({"timestamp": stamps, "target": values}), **changes)
        return bundle

    return run


@pytest.fixture(scope="session")
def two_targets(prepare_table: Any, make_table: Any) -> ModelInput:
    """Hourly weather of two stations, two targets, with filled hours in each split."""
    table = make_table(steps=80, gaps={"target": [20, 62, 75]})
    bundle: ModelInput = prepare_table(table, target_cols=["target", "dew_point"])
    return bundle


@pytest.fixture(scope="session")
def evaluate_error(two_targets: ModelInput) -> Callable[..., dict[str, Any]]:
    """Evaluate forecasts that are off by a given amount everywhere, for the model and for the ridge."""

    def run(model: float, ridge: float, season: Any = "auto") -> dict[str, Any]:
        windows = {"val": two_targets.windows_of(1), "test": two_targets.windows_of(2)}
        made = {
            split: {"model": np.add(two_targets.truth(rows)[0], model), "ridge": two_targets.truth(rows)[0] + ridge}
            for split, rows in windows.items()
        }
        metrics = evaluate(two_targets, windows, made, season)
        return evaluate_quantiles(two_targets, made, EvaluationSpec(season=season, interval_levels=(0.5,)), metrics)[0]

    return run


@pytest.fixture(scope="session")
def refuses() -> Callable[..., AbstractContextManager[None]]:
    """Expect a refusal: `with refuses(TableError, 10, "part of the message"): ...`."""

    @contextmanager
    def expect(error: type[SplineLSTMError], exit_code: int, *parts: str) -> Iterator[None]:
        with pytest.raises(error) as caught:
            yield
        assert type(caught.value) is error
        assert caught.value.exit_code == exit_code
        assert "\n" not in caught.value.message
        for part in parts:
            assert part in caught.value.message

    return expect


@pytest.fixture(scope="session")
def make_workspace(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Copy what belongs to the project besides its code, and add a small table: daily, 150 rows."""

    def make() -> Path:
        workspace = tmp_path_factory.mktemp("project")
        shutil.copytree(project / "conf", workspace / "conf")
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(project / name, workspace / name)
        (workspace / "src").mkdir()  # Kedro looks for it; the package itself is installed
        (workspace / "data" / "01_raw").mkdir(parents=True)
        days = np.arange(150)
        noise = np.random.default_rng(0).standard_normal(150)
        table = pd.DataFrame({"target": np.round(50 + 10 * np.sin(2 * np.pi * days / 7) + noise, 2)})
        table.insert(0, "timestamp", pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d"))
        table.to_csv(workspace / "data" / "01_raw" / "small.csv", index=False)
        (workspace / "malformed.json").write_text('{"version": "phase5.v1",}')
        return workspace

    return make
