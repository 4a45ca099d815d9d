"""Nodes of the modelling."""

import hashlib
import json
import logging
import time
from typing import Any

import numpy as np

from spline_lstm.evaluation import explanations
from spline_lstm.evaluation.calibration import to_intervals
from spline_lstm.evaluation.error_groups import rmse_by
from spline_lstm.evaluation.forecast_table import make_predictions
from spline_lstm.evaluation.quantiles import make_bounds
from spline_lstm.evaluation.scores import EvaluationSpec, evaluate, evaluate_quantiles
from spline_lstm.models.backend import load_keras
from spline_lstm.models.memory import check_memory
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.registry import ModelSpec, TrainingSpec
from spline_lstm.models.ridge import fit_ridge, ridge_data
from spline_lstm.pipelines.modelling.progress import epoch_progress
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.reporting import model_card, plots, run_report
from spline_lstm.reporting.explanation import make_explanation_pictures
from spline_lstm.reporting.plotly_figure import make_figure
from spline_lstm.reporting.run_page import make_run_page
from spline_lstm.reporting.versions import package_versions
from spline_lstm.reporting.wording import one_line
from spline_lstm.selection.candidates import check_link, fit_candidates
from spline_lstm.selection.normalization import resolve_model, resolve_segment, ridge_error
from spline_lstm.series.model_input import ModelInput, fingerprint
from spline_lstm.series.splits import SPLITS
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


def train_model(
    model_input: ModelInput, model: ModelSpec, training: TrainingSpec, run: RunSpec
) -> tuple[bytes, bytes, dict[str, Any]]:
    """Train; return the best and the last network and the record of the training."""
    check_link(model, model_input)
    check_memory(model_input, model, resolve_segment(model.segment, model_input.lookback), training.batch_size)
    load_keras()  # start-up is not training time
    started = time.perf_counter()
    train, val = (
        (model_input.X.at(windows), model_input.y.at(windows)) for windows in map(model_input.windows_of, (0, 1))
    )
    val_series = model_input.window_series[model_input.windows_of(1)]
    resolved, choices = resolve_model(model, model_input, train, val, val_series, training)
    with epoch_progress(run.run_id, training.epochs) as (on_epoch, on_part):
        forecaster, record, compared = fit_candidates(
            resolved,
            model_input,
            val,
            training.seed,
            lambda forecaster: forecaster.fit_model(
                train,
                val,
                epochs=training.epochs,
                batch_size=training.batch_size,
                patience=training.early_stopping_patience,
                val_series=val_series,
                on_epoch=on_epoch,
                on_part=on_part,
            ),
            lambda choice: ridge_error(choice, model_input, train, val, val_series, training.seed) ** 2,
        )
    choices |= compared
    if record.trials:
        tried = {str(rate): loss if np.isfinite(loss) else None for rate, loss in record.trials.items()}
        choices["learning_rate"] = {"chosen": record.learning_rate, "decided_on": "validation", "val_loss": tried}
    best = forecaster.to_bytes()
    parameters = int(forecaster.network.count_params())
    forecaster.network.set_weights(record.last_weights)
    history = {
        "choices": choices,
        "history": record.history,
        "best_epoch": record.best_epoch,
        "schedule": list(record.schedule),
        "ridge_penalty": forecaster.ridge_penalty,
        "discarded": record.discarded,
        "params": parameters,
        "train_seconds": time.perf_counter() - started,
    }
    return best, forecaster.to_bytes(), history


def evaluate_model(
    model_file: bytes, model_input: ModelInput, model: ModelSpec, evaluation: EvaluationSpec, run: RunSpec
) -> tuple[dict[str, Any], DataFrame, DataFrame, dict[str, Any]]:
    """Score the model beside all baselines on val and test, with quantiles that are calibrated on val.

    Returns:
        The metrics, those of each series as a table, the test predictions with their intervals, and the content of
        `intervals.json`.

    """
    network = TrainedNetwork.from_bytes(model_file, "model.keras", model.model_type)
    ridge = fit_ridge(*(ridge_data(model_input, split) for split in (0, 1)))
    windows = {SPLITS[split]: model_input.windows_of(split) for split in (1, 2)}
    made = {
        split: {
            name: model_input.in_target_units(forecaster.predict(model_input.X.at(rows)), rows)
            for name, forecaster in (("model", network), ("ridge", ridge))
        }
        for split, rows in windows.items()
    }
    metrics = evaluate(model_input, windows, made, evaluation.season)
    metrics, by_series, found = evaluate_quantiles(
        model_input, made, evaluation, metrics, nonnegative=network.is_nonnegative
    )
    names = {
        "run_id": run.run_id,
        "processed_run_id": model_input.processed_id,
        "model_sha256": hashlib.sha256(model_file).hexdigest(),
    }
    intervals = to_intervals(found, model_input, evaluation, evaluation.interval_levels, names)
    test = made["test"]["model"]
    bounds = make_bounds(found.rule, test, found.spread, levels=evaluation.interval_levels)
    predictions = make_predictions(model_input, windows["test"], test, bounds)
    return names | metrics, by_series, predictions, intervals.model_dump(mode="json")


def explain_model(
    model_file: bytes, model_input: ModelInput, predictions: DataFrame, model: ModelSpec, training: TrainingSpec
) -> dict[str, Any]:
    """Explain the model: importance of inputs on validation, ridge path, and the structure of its errors."""
    network = TrainedNetwork.from_bytes(model_file, "model.keras", model.model_type)
    kernel = network.ridge_kernel
    return {
        "importances": explanations.find_importances(model_input, network.predict, training.seed),
        "ridge_weights": [] if kernel is None else explanations.weigh_lags(model_input, kernel),
        "errors": explanations.correlate_errors(predictions, model_input.window_origin[model_input.windows_of(2)]),
        "groups": rmse_by(predictions, ("hour", "weekday")),
    }


def describe_run(
    model_file: bytes,
    last_model_file: bytes,
    training_history: dict[str, Any],
    model_input: ModelInput,
    training: TrainingSpec,
    run: RunSpec,
) -> dict[str, Any]:
    """Record everything needed to repeat the run and to check its files."""
    return {
        "run_id": run.run_id,
        "processed_run_id": model_input.processed_id,
        "seed": training.seed,
        "commit_hash": run.commit_hash,
        "command": run.command,
        "places": json.loads(run.places),
        "settings": run.resolved,
        "shared": {
            **fingerprint(model_input),
            "lookback": model_input.lookback,
            "horizon": model_input.horizon,
            "epochs": training.epochs,
            "batch_size": training.batch_size,
            "early_stopping_patience": training.early_stopping_patience,
        },
        "source_sha256": model_input.meta.get("source_sha256"),
        "processed_sha256": model_input.meta.get("sha256", {}),
        "sha256": {
            "model.keras": hashlib.sha256(model_file).hexdigest(),
            "last.keras": hashlib.sha256(last_model_file).hexdigest(),
        },
        "size_bytes": len(model_file),
        "params": training_history["params"],
        "best_epoch": training_history["best_epoch"],
        "discarded": training_history.get("discarded"),
        "choices": model_input.meta.get("choices", {}) | training_history["choices"],
        "train_seconds": training_history["train_seconds"],
        "versions": package_versions(),
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def write_report(
    metrics: dict[str, Any],
    run_record: dict[str, Any],
    model_input: ModelInput,
    predictions: DataFrame,
    explained: dict[str, Any],
) -> tuple[str, str]:
    """Write the report for people, as Markdown and as a page with pictures."""
    text = run_report.make_report(metrics, run_record, model_input, explained)
    logger.info("%s", one_line(metrics))
    return text, make_run_page(text, metrics, predictions, explained)


def write_model_card(metrics: dict[str, Any], run_record: dict[str, Any], model_input: ModelInput) -> str:
    """Write the card for people who receive the model."""
    return model_card.make_model_card(metrics, run_record, model_input)


def plot_run(
    metrics: dict[str, Any], predictions: DataFrame, training_history: dict[str, Any], explained: dict[str, Any]
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Plot some forecasts, the error by step, the coverage, the errors, the training, and the explanations."""
    by_group = plots.make_error_pictures(predictions, metrics)
    return (
        make_figure("Forecasts on test", plots.make_window_pictures(predictions, metrics)),
        make_figure("Error by step", [plots.make_steps_picture(metrics)]),
        make_figure("Coverage", plots.make_coverage_pictures(metrics)),
        make_figure("Errors", [*plots.make_residuals_pictures(predictions, metrics), *by_group]),
        make_figure("Training", [plots.make_training_picture(training_history)]),
        make_figure("Explanations", make_explanation_pictures(explained)),
    )
