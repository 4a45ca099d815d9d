"""The default model beside its ridge baseline and a tuned LightGBM, on tables unlike the bundled one.

Run with `make studies`; LightGBM joins where it is installed.
"""

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import MemoryDataset
from omegaconf import OmegaConf
from tests.benchmarks.tables import TABLES

from spline_lstm.datasets.inputs import WholeTable
from spline_lstm.evaluation.scores import EvaluationSpec
from spline_lstm.models.registry import ModelSpec, TrainingSpec
from spline_lstm.pipelines.modelling.nodes import evaluate_model, train_model
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.pipelines.preprocessing.nodes import make_model_input
from spline_lstm.project.parameters import Parameters, parse_parameters
from spline_lstm.reporting.markdown import table as markdown_table
from spline_lstm.series.columns import TableSpec
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.windows import WindowSpec

CONF = Path(__file__).parents[2] / "conf" / "base"
SEEDS = (42, 2026)
# What a person would declare for each table beside its target: calendar leads and a lag of a week.
CALENDAR: dict[str, tuple[list[str], list[int]]] = {
    "growing demand": (["hour_sin", "hour_cos", "dow_sin", "dow_cos"], [168]),
    "counting sensors": (["hour_sin", "hour_cos", "dow_sin", "dow_cos"], [168]),
    "commuter counts": (["hour_sin", "hour_cos", "dow_sin", "dow_cos"], [168]),
    "daily sales": (["dow_sin", "dow_cos", "year_sin", "year_cos"], []),
    "quarter hours": (["hour_sin", "hour_cos"], [96]),
    "short series": (["hour_sin", "hour_cos"], []),
    "pure noise": (["hour_sin", "hour_cos"], [168]),
}


def parameters(**changes: Any) -> Parameters:
    """The project's own defaults, with changes."""
    defaults = OmegaConf.merge(*(OmegaConf.load(path) for path in sorted(CONF.glob("parameters*.yml"))))
    return parse_parameters({**OmegaConf.to_container(defaults), **changes})  # type: ignore[dict-item]


def prepare(table: pd.DataFrame, calendar: tuple[list[str], list[int]], settings: Parameters) -> ModelInput:
    """Preprocess a table as `kedro run --pipeline=preprocessing` does."""
    features, lags = calendar
    schema = CovariateSchema.model_validate(
        {
            "version": "phase5.v1", "timestamp_col": "timestamp", "target_cols": ["target"],
            "dynamic_covariates": [], "static_covariates": [], "seasonal_lags": lags,
            "calendar_features": {"enabled": True, "features": features, "known_future": True},
            "missing_policy": {
                "target": "interpolate_then_drop_if_remaining",
                "dynamic_covariates": "ffill_bfill_then_zero", "static_covariates": "unknown_token",
            },
        }
    )  # fmt: skip
    whole = WholeTable(MemoryDataset(table, copy_mode="assign"))
    specs = (settings.part(kind) for kind in (TableSpec, FillSpec, WindowSpec))
    run = RunSpec(run_id="study", processed_run_id="study", commit_hash=None, settings="{}")
    return make_model_input(whole, schema, *specs, run)[0]


def run_default(data: ModelInput, settings: Parameters, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train and score as the modelling pipeline does; returns the metrics and the choices made."""
    run = RunSpec(run_id="study", processed_run_id="study", commit_hash=None, settings="{}")
    training = settings.part(TrainingSpec).model_copy(update={"seed": seed})
    best, _, history = train_model(data, settings.part(ModelSpec), training, run)
    metrics = evaluate_model(best, data, settings.part(ModelSpec), settings.part(EvaluationSpec), run)[0]
    return metrics, history


def run_lightgbm(data: ModelInput) -> tuple[float, float]:
    """RMSE on val and test of one LightGBM a step, its leaves and learning rate tuned on validation."""
    import lightgbm

    rows = [data.windows_of(split) for split in (0, 1, 2)]
    inputs = [data.X[part].reshape(len(part), -1) for part in rows]
    errors = np.full((3, 2), np.nan)
    for number, options in enumerate(({"num_leaves": 7}, {"num_leaves": 31}, {"num_leaves": 31, "extra_trees": True})):
        forecasts = [np.empty((len(part), data.horizon)) for part in rows[1:]]
        for step in range(data.horizon):
            truth = [data.y[part][:, step] for part in rows]
            seen = [~np.isnan(values) for values in truth]
            model = lightgbm.train(
                {"objective": "l2", "learning_rate": 0.05, "min_data_in_leaf": 20, "feature_fraction": 0.7,
                 "bagging_fraction": 0.8, "bagging_freq": 1, "verbosity": -1, "num_threads": 1, "seed": 0, **options},
                lightgbm.Dataset(inputs[0][seen[0]], truth[0][seen[0]]),
                num_boost_round=600,
                valid_sets=[lightgbm.Dataset(inputs[1][seen[1]], truth[1][seen[1]])],
                callbacks=[lightgbm.early_stopping(30, verbose=False)],
            )  # fmt: skip
            for forecast, X in zip(forecasts, inputs[1:], strict=True):
                forecast[:, step] = model.predict(X)
        for split, (part, forecast) in enumerate(zip(rows[1:], forecasts, strict=True)):
            error = (forecast - data.y[part])[data.y_mask[part]]
            errors[number, split] = np.sqrt(np.mean(np.square(error))) * data.target_scaling(np.array([0]))[1][0, 0]
    val, test = errors[int(np.argmin(errors[:, 0]))]
    return float(val), float(test)


def rows_of(data: ModelInput) -> str:
    """What was decided about the rows of a window: a number of steps, or a season."""
    return str(data.meta["choices"].get("lookback_span", {"chosen": data.meta["lookback_span"]})["chosen"])


def main(names: list[str]) -> None:
    """Print a Markdown table of all tables and modes, as it grows."""
    logging.disable(logging.INFO)
    has_lightgbm = importlib.util.find_spec("lightgbm") is not None
    rows = []
    for name in names or list(TABLES):
        for mode in ("univariate", "multivariate"):
            table = TABLES[name]()
            settings = parameters(feature_mode=mode, series_id_cols=["sensor"] if "sensor" in table else "auto")
            data = prepare(table, CALENDAR[name], settings)
            results = [run_default(data, settings, seed) for seed in SEEDS]
            scores = {
                split: [metrics[split]["model"]["overall"] for metrics, _ in results] for split in ("val", "test")
            }
            baselines = {
                split: {key: value["overall"]["rmse"] for key, value in results[0][0][split]["baselines"].items()}
                for split in ("val", "test")
            }
            boosted = run_lightgbm(data) if has_lightgbm else (float("nan"),) * 2
            choices = results[0][1]["choices"]
            rows.append(
                [
                    name, mode, rows_of(data), choices["normalization"]["chosen"],
                    " / ".join(history["choices"]["link"]["chosen"] for _, history in results),
                    " / ".join(str(history["best_epoch"]) for _, history in results),
                    *(
                        f"{number:.4g}"
                        for split, position in (("val", 0), ("test", 1))
                        for number in (
                            np.mean([score["rmse"] for score in scores[split]]), baselines[split]["ridge"],
                            boosted[position], baselines[split]["seasonal_naive"],
                        )
                    ),
                    f"{np.mean([score['r2'] for score in scores['test']]):.3f}",
                ]
            )  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
    headings = [
        "table", "mode", "span", "normalization", "link", "best epoch", "val model", "val ridge", "val LightGBM",
        "val seasonal naive", "test model", "test ridge", "test LightGBM", "test seasonal naive", "test R2",
    ]  # fmt: skip
    print(markdown_table(headings, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
