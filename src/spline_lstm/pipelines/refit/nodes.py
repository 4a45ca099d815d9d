"""Nodes of the refit."""

import hashlib
import json
import logging
import time
from typing import Any

from spline_lstm.edge.backends import TrainedRun
from spline_lstm.errors import ArtifactDamagedError, RunIdMismatchError
from spline_lstm.models.backend import load_keras
from spline_lstm.models.memory import check_memory
from spline_lstm.models.registry import MODELS, ModelSpec, TrainingSpec, make_model
from spline_lstm.pipelines.modelling.progress import epoch_progress
from spline_lstm.pipelines.plan import RefitSpec, RunSpec
from spline_lstm.reporting import model_card, run_report
from spline_lstm.reporting.run_page import make_run_page
from spline_lstm.reporting.versions import package_versions
from spline_lstm.selection.normalization import resolve_segment
from spline_lstm.series import whole_table
from spline_lstm.series.model_input import ModelInput, fingerprint
from spline_lstm.spec import SpecType
from spline_lstm.types import DataFrame

logger = logging.getLogger(__name__)


def window_all(trained_run: TrainedRun, later_table: DataFrame, run: RunSpec) -> ModelInput:
    """Cut windows from all rows, as the run did from its training part; none is kept for validation or test."""
    made = whole_table.make_training_windows(
        later_table, trained_run.preprocessor, processed_id=run.processed_run_id, model_types=tuple(MODELS)
    )
    logger.info("%s: %d windows, all for training", made.meta["source"], len(made.window_origin))
    return made


def refit_model(
    model_input: ModelInput, trained_run: TrainedRun, training_history: dict[str, Any], run: RunSpec
) -> tuple[bytes, bytes, dict[str, Any]]:
    """Train with the results of the run: its settings, choices, epochs with their learning rates, and penalty.

    Returns:
        The network, twice (its last epoch is its best one), and the record of the training.

    """
    training, spec = _settings_of(trained_run, TrainingSpec), _resolved_model(trained_run)
    check_memory(model_input, spec, resolve_segment(spec.segment, model_input.lookback), training.batch_size)
    load_keras()  # start-up is not training time
    started = time.perf_counter()
    schedule = tuple(training_history["schedule"])
    model = make_model(spec, model_input, training.seed)
    windows = model_input.windows_of(0)
    with epoch_progress(run.run_id, len(schedule)) as (on_epoch, on_part):
        model.refit_model(
            (model_input.X.at(windows), model_input.y.at(windows)),
            schedule,
            training_history["ridge_penalty"] if model.has_path else None,
            batch_size=training.batch_size,
            on_epoch=on_epoch,
            on_part=on_part,
        )
    content = model.to_bytes()
    changed = {"params": int(model.network.count_params()), "train_seconds": time.perf_counter() - started}
    return content, content, training_history | changed


def _settings_of(trained_run: TrainedRun, spec: type[SpecType]) -> SpecType:
    settings = trained_run.record["settings"]
    known = {name: settings[name] for name in spec.model_fields if name in settings}
    return spec.parse(known, ArtifactDamagedError, "run.json: setting")


def _resolved_model(trained_run: TrainedRun) -> ModelSpec:
    """Return the architecture that the run decided on."""
    spec = _settings_of(trained_run, ModelSpec)
    chosen = {name: choice["chosen"] for name, choice in trained_run.record["choices"].items()}
    segment = resolve_segment(spec.segment, trained_run.preprocessor.windows.lookback)
    decided = {name: chosen[name] for name in ModelSpec.model_fields if name in chosen}
    if spec.loss == "auto":
        decided.setdefault("loss", "squared")
    values = spec.model_dump() | decided | {"segment": segment}
    return ModelSpec.parse(values, ArtifactDamagedError, "run.json: choice")


def carry_metrics(metrics: dict[str, Any], intervals: dict[str, Any], model: bytes, run: RunSpec) -> dict[str, Any]:
    """Give the refit the scores of the run that it repeats, because no rows are left to test it.

    Raises:
        RunIdMismatchError: Metrics and intervals belong to different trainings.

    """
    if metrics["model_sha256"] != intervals["model_sha256"]:
        raise RunIdMismatchError(
            f"metrics and intervals of run '{metrics['run_id']}' belong to different trainings; run its modelling again"
        )
    return metrics | _names(model, run) | {"refit_of": metrics["run_id"]}


def carry_intervals(intervals: dict[str, Any], model: bytes, run: RunSpec) -> dict[str, Any]:
    """Give the refit the intervals of the run that it repeats."""
    return intervals | _names(model, run)


def _names(model: bytes, run: RunSpec) -> dict[str, str]:
    return {
        "run_id": run.run_id,
        "processed_run_id": run.processed_run_id,
        "model_sha256": hashlib.sha256(model).hexdigest(),
    }


def describe_refit(
    trained_run: TrainedRun, model_input: ModelInput, model: bytes, training_history: dict[str, Any], refit: RefitSpec
) -> dict[str, Any]:
    """Record the refit as a run: the record of the repeated run, with its own ids, hashes and table."""
    record, run, digest = trained_run.record, refit.run, hashlib.sha256(model).hexdigest()
    ids = {"run_id": run.run_id, "processed_run_id": run.processed_run_id}
    table = {"input_path": refit.input_path} if refit.input_path else {}
    return record | {
        **ids,
        "refit_of": record["run_id"],
        "commit_hash": run.commit_hash,
        "command": run.command,
        "places": json.loads(run.places),
        "settings": record["settings"] | ids | table,
        "shared": record["shared"] | fingerprint(model_input),
        "source_sha256": model_input.meta.get("source_sha256"),
        "processed_sha256": model_input.meta.get("sha256", {}),
        "sha256": {"model.keras": digest, "last.keras": digest},
        "size_bytes": len(model),
        "params": training_history["params"],
        "train_seconds": training_history["train_seconds"],
        "versions": package_versions(),
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def write_refit_texts(
    metrics: dict[str, Any], run_record: dict[str, Any], model_input: ModelInput
) -> tuple[str, str, str]:
    """Write the report, its page and the card, which name the run of the scores."""
    text = run_report.make_report(metrics, run_record, model_input)
    return (
        text,
        make_run_page(text, metrics),
        model_card.make_model_card(metrics, run_record, model_input),
    )
