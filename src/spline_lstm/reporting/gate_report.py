"""The gate's verdicts in Markdown."""

from typing import Any

from spline_lstm.edge.export import SECOND_ROUTE
from spline_lstm.reporting.markdown import table

_ENOUGH_WINDOWS = 1_000
_TARGETS = {
    # (format, precision): figure, target for the default stack at batch 1.
    ("onnx", "fp32"): (
        ("parity", 1e-5),
        ("bytes_per_param", 4 * 1.03),
        ("latency_to_keras", 1 / 10),
        ("latency_p95_ms", 1.0),
    ),
    ("onnx", "int8"): (("bytes_per_param", 2.0),),
    ("tflite", "int8"): (("bytes_per_param", 2.0),),
    ("c", "int8"): (("bytes_per_param", 2.0),),
    ("c", "fp32"): (("parity", 1e-5), ("latency_to_keras", 1 / 10), ("latency_p95_ms", 1.0)),
    ("tflite", "fp32"): (("parity", 1e-4), ("latency_to_keras", 1 / 8), ("latency_p95_ms", 1.0)),
}


def make_edge_report(gate: dict[str, Any]) -> str:
    """Write the report.

    Args:
        gate: Result of the gate: `run_id`, `keras`, `files` and `second_route`.

    Returns:
        Markdown.

    """
    parts = [f"# Edge gate of {gate['run_id']}", _headline(gate)]
    if gate["files"]:
        parts += [_summary(gate), _criteria(gate), *_details(gate), _targets(gate)]
    if gate.get("second_route"):
        parts.append(_second_route(gate))
    return "\n\n".join(parts) + "\n"


def _headline(gate: dict[str, Any]) -> str:
    if not gate["files"]:
        return "**Nothing was exported:** `export_formats` is `none`."
    words = [f"{name}: **{item['verdict']}**" for name, item in gate["files"].items() if item["precision"] == "fp32"]
    verdicts = f"Released only on PASS. {'; '.join(words)}."
    if not gate["regression_only"]:
        return verdicts
    return (
        f"{verdicts}\n\nThe best epoch was 0: the recurrent stack adds nothing to the regression. The files hold the "
        f"regression alone, {gate['params']:,} of {gate['trained_params']:,} parameters."
    )


def _number(value: float | None, digits: int = 4) -> str:
    return "no number" if value is None else f"{value:.{digits}g}"


def why_failed(item: dict[str, Any]) -> str:
    """Name the criteria that a file failed; empty if it passed."""
    return item["reason"] or ", ".join(entry["name"] for entry in item["criteria"] if not entry["passed"])


def explain_verdict(name: str, item: dict[str, Any]) -> str:
    """Put a file's verdict into words: only files with full weights decide on a release."""
    words = item["verdict"] + (f" ({why_failed(item)})" if item["verdict"] != "PASS" else "")
    if name == SECOND_ROUTE:
        return f"{words}; for comparison only"
    return words if item["precision"] == "fp32" else f"{words}; a smaller variant, only fp32 decides on release"


def _summary(gate: dict[str, Any]) -> str:
    rows = [
        [
            name,
            item["precision"],
            f"**{item['verdict']}**",
            *(
                [
                    _number(item["latency_p50_ms"] * 1000),
                    _number(item["latency_p95_ms"] * 1000) + ("" if item["stable"] else " (unstable)"),
                    f"1/{1 / item['latency_to_keras']:.1f}",
                    f"{item['size_bytes']:,}",
                    f"{item['size_to_smallest']:.3f}",
                    _ram(item),
                    item["runtime"],
                    item["path"],
                ]
                if item["criteria"]
                else ["–", "–", "–", "–", "–", "–", "–", item["reason"]]
            ),
        ]
        for name, item in gate["files"].items()
    ]
    heading = [
        "file",
        "weights",
        "verdict",
        "p50 (µs)",
        "p95 (µs)",
        "p50 to Keras",
        "bytes",
        "to smallest possible",
        "RAM",
        "runs in",
        "where",
    ]
    keras = gate["keras"]
    note = (
        f"Latency at batch 1, one thread, {keras['calls']} calls after warm-up. Keras as a compiled function: p50 "
        f"{keras['latency_p50_ms'] * 1000:.0f} µs. "
        f"Smallest possible: 4 bytes for each of the {gate['params']:,} parameters; a forecast takes {gate['macs']:,} "
        "multiply-accumulates. Files with fp16 and int8 weights are variants: only the fp32 files decide on "
        "release."
    )
    return f"## Files\n\n{table(heading, rows)}\n\n{note}"


def _criteria(gate: dict[str, Any]) -> str:
    """One row for each file, one column for each criterion."""
    judged = {name: item for name, item in gate["files"].items() if item["criteria"]}
    names = list(dict.fromkeys(entry["name"] for item in judged.values() for entry in item["criteria"]))
    rows = []
    for name, item in judged.items():
        found = {entry["name"]: entry for entry in item["criteria"]}
        rows.append([name, *(_cell(found[criterion]) for criterion in names)])
    notes = [f"{_fed(item)}." for item in list(judged.values())[:1]]
    notes += [f"{name}: {_made_of(item)}" for name, item in judged.items() if item["footprint"]]
    return "\n\n".join([f"## Criteria, profile {gate['profile']}", table(["file", *names], rows), *notes])


def _cell(entry: dict[str, Any]) -> str:
    words = f"{_number(entry['found'])} of {_number(entry['limit'])} {entry['unit']}".strip()
    return words if entry["passed"] else f"**FAIL:** {words}"


def _fed(item: dict[str, Any]) -> str:
    return (
        f"Each file was fed {item['test_windows']} test windows and {item['windows'] - item['test_windows']} of zeros, "
        f"constants and noise up to five sigma{_few(item)}"
    )


def _details(gate: dict[str, Any]) -> list[str]:
    """Give details of the files that failed."""
    sections = []
    for name, item in gate["files"].items():
        if item["verdict"] != "FAIL" or not item["criteria"]:
            continue
        rows = [
            [
                criterion["name"],
                f"{_number(criterion['found'])} {criterion['unit']}".strip(),
                f"≤ {_number(criterion['limit'])} {criterion['unit']}".strip(),
                "pass" if criterion["passed"] else "**FAIL**",
            ]
            for criterion in item["criteria"]
        ]
        found_and_limits = table(["criterion", "found", "threshold", ""], rows)
        sections.append(f"## {name}: {item['verdict']}\n\n{found_and_limits}\n\n{_made_of(item)}")
    return sections


def _made_of(item: dict[str, Any]) -> str:
    """Return the operators of a file, or the memory that compiled C takes."""
    if not item["footprint"]:
        return f"Operators: {', '.join(f'{kind} {count}' for kind, count in item['operators'].items())}."
    found = {name: f"{count:,} bytes" for name, count in item["footprint"].items()}
    return (
        f"compiled for size on this machine: code {found['code']}, constants {found['constants']}, stack at most "
        f"{found['stack']}, and {found['state']} of memory for each series."
    )


def _few(item: dict[str, Any]) -> str:
    enough = item["test_windows"] >= _ENOUGH_WINDOWS
    return "" if enough else f"; **fewer than {_ENOUGH_WINDOWS:,} test windows: the table has no more**"


def _targets(gate: dict[str, Any]) -> str:
    """Compare with the targets; missing one fails nothing."""
    rows = []
    for name, item in gate["files"].items():
        for figure, target in _TARGETS.get((item["format"], item["precision"]), ()):
            found = item.get(figure)
            if figure == "parity":
                found = next((entry["found"] for entry in item["criteria"] if entry["name"] == figure), None)
            met = found is not None and found <= target
            rows.append(
                [name, figure.replace("_", " "), _number(found), f"≤ {_number(target)}", "met" if met else "missed"]
            )
    found_and_target = table(["file", "figure", "found", "target", ""], rows)
    return f"## Targets\n\nBeyond the thresholds; missing one fails nothing.\n\n{found_and_target}"


def _second_route(gate: dict[str, Any]) -> str:
    """Compare the native ONNX file with tf2onnx' conversion of the same network."""
    rows = []
    for name, item in (("native", gate["files"]["model.onnx"]), ("tf2onnx", gate["second_route"])):
        if not item["criteria"]:
            rows.append([name, item["verdict"], "–", "–", "–", item["reason"]])
            continue
        parity = next(entry["found"] for entry in item["criteria"] if entry["name"] == "parity")
        operators = f"{sum(item['operators'].values())}" + (
            f" ({', '.join(item['foreign_operators'])})" if item["foreign_operators"] else ""
        )
        rows.append(
            [
                name,
                item["verdict"],
                _number(parity),
                operators,
                f"{item['size_bytes']:,}",
                _number(item["latency_p50_ms"] * 1000),
            ]
        )
    heading = ["route", "verdict", "parity (sigma)", "operators", "bytes", "p50 (µs)"]
    return f"## ONNX by two routes\n\n{table(heading, rows)}"


def make_matrix_report(gates: list[dict[str, Any]], advice: str) -> str:
    """Write the verdicts of several models as one table.

    Args:
        gates: Result of the gate for each model.
        advice: The section "Which file to ship".

    Returns:
        Markdown.

    """
    rows = [
        [
            gate["model_type"],
            str(gate["f_total"]),
            name,
            f"**{item['verdict']}**",
            *(_matrix_figures(item) if item["criteria"] else ["–"] * 7),
            why_failed(item),
        ]
        for gate in gates
        for name, item in gate["files"].items()
    ]
    heading = [
        "model type",
        "F_total",
        "file",
        "verdict",
        "parity (sigma)",
        "RMSE ratio",
        "p50 (µs)",
        "p95 (µs)",
        "p50 to Keras",
        "bytes",
        "RAM",
        "failed",
    ]
    passed = sum(row[3] == "**PASS**" for row in rows)
    found = f"{passed} of {len(rows)} files pass all criteria."
    return f"# Edge matrix\n\n{advice}\n\n## All files\n\n{found}\n\n{table(heading, rows)}\n"


def _ram(item: dict[str, Any]) -> str:
    return "–" if item["ram_bytes"] is None else f"{item['ram_bytes']:,}"


def _matrix_figures(item: dict[str, Any]) -> list[str]:
    found = {entry["name"]: entry["found"] for entry in item["criteria"]}
    return [
        _number(found["parity"]),
        _number(found["RMSE ratio"]),
        _number(item["latency_p50_ms"] * 1000),
        _number(item["latency_p95_ms"] * 1000),
        f"1/{1 / item['latency_to_keras']:.1f}",
        f"{item['size_bytes']:,}",
        _ram(item),
    ]
