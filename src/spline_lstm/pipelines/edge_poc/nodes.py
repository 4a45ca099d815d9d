"""Nodes of the edge gate."""

import json
import logging
from typing import Any

from spline_lstm.edge import export, gate
from spline_lstm.edge.c_file import with_header
from spline_lstm.edge.contract import EdgeContract, make_contract
from spline_lstm.edge.export import ExportSpec
from spline_lstm.edge.gate import EdgeSpec
from spline_lstm.edge.live_network import is_regression_alone
from spline_lstm.errors import EdgeGateError, Failure
from spline_lstm.models.network import TrainedNetwork
from spline_lstm.models.registry import ModelSpec
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.reporting import gate_report
from spline_lstm.reporting.run_page import add_gate
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor_file import PREPROCESSOR_FILE, dump_preprocessor

logger = logging.getLogger(__name__)


def export_model(
    model_file: bytes | Failure,
    model_input: ModelInput,
    intervals: dict[str, Any],
    model: ModelSpec,
    formats: ExportSpec,
    edge_poc: EdgeSpec,
    run: RunSpec,
) -> dict[str, bytes]:
    """Export the model to all wanted formats and precisions, with the preprocessor that makes its windows.

    Raises:
        SplineLSTMError: The model comes from a failed cell; its error and exit code.
        ArtifactDamagedError: The model does not have the wanted type.
        RunIdMismatchError: The intervals belong to another training.

    """
    if isinstance(model_file, Failure):
        raise model_file.to_error()
    if formats.export_formats == ("none",):
        logger.info("export_formats is 'none': nothing is exported")
        return {}
    logger.info("Exporting to %s", " and ".join(formats.export_formats))
    network, contract = _open(model_file, model_input, intervals, model, run)
    files = export.export(network, contract, formats.export_formats, edge_poc)
    return files | {PREPROCESSOR_FILE: dump_preprocessor(model_input.preprocessor)}


def _open(
    model_file: bytes, model_input: ModelInput, intervals: dict[str, Any], model: ModelSpec, run: RunSpec
) -> tuple[Any, EdgeContract]:
    """Return the network and the input contract of its files."""
    network = TrainedNetwork.from_bytes(model_file, "model.keras", model.model_type).keras_model
    alone = is_regression_alone(network)
    return network, make_contract(
        model_input, model_file, intervals, run.run_id, model.model_type, regression_only=alone
    )


def judge_exports(
    exported_models: dict[str, bytes],
    model_file: bytes,
    model_input: ModelInput,
    intervals: dict[str, Any],
    model: ModelSpec,
    edge_poc: EdgeSpec,
    run: RunSpec,
) -> dict[str, Any]:
    """Judge every exported file by the gate's criteria.

    Raises:
        ArtifactDamagedError: The model does not have the wanted type.
        RunIdMismatchError: The intervals belong to another training.

    """
    found: dict[str, Any] = {
        "run_id": run.run_id,
        "commit_hash": run.commit_hash,
        "model_type": model.model_type,
        "feature_mode": model_input.meta.get("feature_mode", run.resolved["feature_mode"]),
        "f_total": len(model_input.feature_names),
        "files": {},
    }
    if not exported_models:
        return found
    network, contract = _open(model_file, model_input, intervals, model, run)
    reference = gate.make_reference(model_input, network, contract, edge_poc)
    folder = json.loads(run.places)["exported_models"]
    judged = {}
    for name, content in exported_models.items():
        if name in export.COMPANIONS:
            continue
        kind, precision = export.parse_file_name(name)
        whole = with_header(content, exported_models[f"{name[:-1]}h"]) if kind == "c" else content
        verdict = gate.judge(whole, kind, precision, reference, edge_poc)
        judged[name] = {
            "format": kind,
            "precision": precision,
            "path": f"{folder}/{name}",
            **verdict,
        }
        logger.info("%s: %s", name, gate_report.explain_verdict(name, judged[name]))
    second_route = judged.pop(export.SECOND_ROUTE, None)
    return {
        **found,
        "params": reference.params,
        "macs": reference.macs,
        "profile": edge_poc.profile,
        "trained_params": int(network.count_params()),
        "regression_only": contract.regression_only,
        "keras": reference.latency,
        "files": judged,
        "second_route": second_route,
        "verdict": _worst([item["verdict"] for item in judged.values() if item["precision"] == "fp32"]),
    }


def _worst(verdicts: list[str]) -> str:
    """Return the joint verdict on the files that decide on a release: those with full weights."""
    return next((verdict for verdict in ("FAIL", "NOT JUDGED") if verdict in verdicts), "PASS")


def write_edge_report(edge_gate: dict[str, Any], report_page: str) -> tuple[str, str]:
    """Write the verdicts for people, as a report and into the page of the run."""
    text = gate_report.make_edge_report(edge_gate)
    return text, add_gate(report_page, text)


def enforce_gate(edge_gate: dict[str, Any]) -> None:
    """End the run if the gate failed.

    Raises:
        EdgeGateError: Names each failed file and criterion.

    """
    if not edge_gate["files"]:
        raise EdgeGateError(f"run '{edge_gate['run_id']}': nothing was exported, so nothing can be released")
    if edge_gate["verdict"] == "PASS":
        return
    failed = [
        f"{name} ({gate_report.why_failed(item)})"
        for name, item in edge_gate["files"].items()
        if item["precision"] == "fp32" and item["verdict"] != "PASS"
    ]
    raise EdgeGateError(f"run '{edge_gate['run_id']}' did not pass the edge gate: {'; '.join(failed)}")
