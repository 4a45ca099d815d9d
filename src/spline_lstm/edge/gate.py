"""The gate: it decides whether an exported file may be released, and shows each number beside its threshold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field, WithJsonSchema

from spline_lstm.edge import c_library, micro, tflite_file
from spline_lstm.edge.boards import BOARDS, Profile
from spline_lstm.edge.contract import EdgeContract
from spline_lstm.edge.live_network import count_macs, make_live_network
from spline_lstm.edge.runtime import Run, open_onnx, open_tflite
from spline_lstm.errors import ExportError, SplineLSTMError
from spline_lstm.evaluation.comparison import BYTES_PER_MB
from spline_lstm.evaluation.latency import measure_latency
from spline_lstm.models.archive import compiled_call
from spline_lstm.models.training import make_forecast
from spline_lstm.series.lazy_windows import draw
from spline_lstm.series.model_input import ModelInput
from spline_lstm.spec import Flag, Names, Spec, StrictFloat, StrictInt
from spline_lstm.types import Bool, Float32

Kind = Literal["onnx", "tflite", "c"]
PRECISIONS = ("fp32", "fp16", "int8")
_SIGMAS = 5.0
_CONSTANTS = (0.0, 1.0, -1.0, _SIGMAS, -_SIGMAS)
_RANDOM_WINDOWS = 64
_MICRO_WINDOWS = 200
_MOST_REAL_WINDOWS = 10_000
_FORBIDDEN_ONNX = frozenset({"Loop", "Scan", "If"})
_FORBIDDEN_TFLITE = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"})


def _check_precisions(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in PRECISIONS]
    if unknown:
        raise ValueError(f"allowed: {', '.join(PRECISIONS)}")
    if "fp32" not in names:
        raise ValueError("fp32 is needed: smaller weights never replace it")
    return names


class Tolerances(Spec):
    """Largest difference from Keras in scaled units, by precision."""

    fp32: Annotated[StrictFloat, Field(ge=0)]
    fp16: Annotated[StrictFloat, Field(ge=0)]
    int8: Annotated[StrictFloat, Field(ge=0)]


class EdgeSpec(Spec):
    """Parameters of the gate: exported files, thresholds and measurement."""

    enforce: Flag
    precisions: Annotated[
        Names,
        AfterValidator(_check_precisions),
        WithJsonSchema({"type": "array", "items": {"enum": list(PRECISIONS)}}),
    ]
    tflite_form: Literal["auto", "unrolled", "loop"]
    order: Names
    """Order of the model types in the edge matrix; others follow them."""
    parity: Tolerances
    profile: Profile
    """The board whose limits a file must also meet; `laptop` has none."""
    rmse_ratio: Annotated[StrictFloat, Field(ge=0)]
    p95_ms: Annotated[StrictFloat, Field(ge=0)]
    size_mb: Annotated[StrictFloat, Field(ge=0)]
    repeats: Annotated[StrictInt, Field(ge=1)]
    latency_calls: Annotated[StrictInt, Field(ge=1000)]
    warm_up: Annotated[StrictInt, Field(ge=0)]


@dataclass(frozen=True)
class Reference:
    """The reference that every exported file is compared with.

    Attributes:
        windows: Test windows, then zeros, constants and noise up to five sigma, `(n, lookback, features)`.
        outputs: Keras' forecasts of the windows, `(n, horizon * targets)`.
        truth, mask: Truth of the test windows in scaled units, and where it was observed.
        latency: Latency of the Keras network as a compiled function at batch 1.
        params: Number of exported parameters of the network.
        macs: Multiply-accumulates of a forecast.
        contract: The contract that every file must carry.

    """

    windows: Float32
    outputs: Float32
    truth: Float32
    mask: Bool
    latency: dict[str, Any]
    params: int
    macs: int
    contract: EdgeContract

    def rmse(self, outputs: Float32) -> float:
        """Return the root mean squared error on the test windows, in scaled units; NaN stays NaN."""
        error = (outputs[: len(self.truth)].astype(np.float64) - self.truth)[self.mask]
        return float(np.sqrt(np.mean(np.square(error))))


def make_probe_windows(real: Float32, seed: int = 0) -> Float32:
    """Return the real windows, followed by constants and noise up to five sigma."""
    shape = real.shape[1:]
    constants = np.stack([np.full(shape, value, dtype=np.float32) for value in _CONSTANTS])
    noise = np.random.default_rng(seed).uniform(-_SIGMAS, _SIGMAS, (_RANDOM_WINDOWS, *shape)).astype(np.float32)
    return np.concatenate([real, constants, noise])


def make_reference(model_input: ModelInput, network: Any, contract: EdgeContract, spec: EdgeSpec) -> Reference:
    """Run the Keras network on all windows that the exported files will get.

    Args:
        model_input: Preprocessed data of the run.
        network: The trained Keras network.
        contract: Its input contract.
        spec: Parameters of the measurement.

    """
    tested = model_input.windows_of(2)
    rows = draw(tested if len(tested) else model_input.windows_of(0), _MOST_REAL_WINDOWS)
    windows = make_probe_windows(model_input.X[rows])
    call, live = compiled_call(network, windows[:1]), make_live_network(network)
    return Reference(
        windows=windows,
        outputs=make_forecast(network)(windows),
        truth=model_input.y[rows],
        mask=model_input.y_mask[rows],
        latency=measure_latency(call, calls=spec.latency_calls, warm_up=spec.warm_up),
        params=int(live.count_params()),
        macs=count_macs(live),
        contract=contract,
    )


@dataclass(frozen=True)
class Criterion:
    """One comparison of a number with its threshold; a number that is NaN or missing fails."""

    name: str
    found: float | None
    limit: float
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the number is at most the threshold."""
        return self.found is not None and bool(self.found <= self.limit)

    def record(self) -> dict[str, Any]:
        """Return the criterion as JSON; NaN becomes None."""
        found = self.found if self.found is not None and np.isfinite(self.found) else None
        return {"name": self.name, "found": found, "limit": self.limit, "unit": self.unit, "passed": self.passed}


def judge(content: bytes, kind: Kind, precision: str, reference: Reference, spec: EdgeSpec) -> dict[str, Any]:
    """Judge one exported file by all criteria.

    Args:
        content: The file; a C file with its header inside.
        kind: Its format.
        precision: Precision of its weights, which sets the tolerance of the parity.
        reference: The results of the Keras network.
        spec: Thresholds.

    Returns:
        `verdict` (`PASS`, `FAIL`, or `NOT JUDGED` for a C file without a compiler), `criteria` with each number beside
        its threshold, `reason` if the file does not run, and figures: operators, latency, size, ratios.

    """
    if kind == "c" and not c_library.has_compiler():
        return {"verdict": "NOT JUDGED", "reason": "there is no C compiler: cc is not on the path", "criteria": []}
    try:
        open_file, list_operators = _FORMATS[kind]
        run, text = open_file(content, f"the {kind} file")
        operators = list_operators(content)
        outputs = np.concatenate([run(window[None]) for window in reference.windows])
        if outputs.shape != reference.outputs.shape:
            raise ExportError(f"its outputs have the shape {outputs.shape}; {reference.outputs.shape} is needed")
        latency = measure_latency(_single(run, reference), calls=spec.latency_calls, warm_up=spec.warm_up)
        differing = _differing_repeats(run, reference, spec.repeats)
        footprint = c_library.measure_footprint(content) if kind == "c" else {}
        parity = _parity(outputs, reference)
        arena = _try_micro(content, reference, getattr(spec.parity, precision)) if kind == "tflite" else None
    except Exception as error:  # the runtimes' errors have no common base; any error fails the file
        message = error.message if isinstance(error, SplineLSTMError) else f"{type(error).__name__}: {error}"
        return {"verdict": "FAIL", "reason": " ".join(message.split())[:300], "criteria": []}
    foreign = [name for name in operators if name.startswith("CUSTOM") or name in _FORBIDDEN_ONNX | _FORBIDDEN_TFLITE]
    smallest = 4 * reference.params
    size = footprint["code"] + footprint["constants"] if footprint else len(content)
    ram = footprint["stack"] + footprint["state"] if footprint else arena
    criteria = [
        Criterion("foreign operators", len(foreign), 0),
        Criterion("missing or foreign input contract", int(text != reference.contract.to_text()), 0),
        Criterion("parity", parity, getattr(spec.parity, precision), "sigma"),
        Criterion("RMSE ratio", _ratio(reference.rmse(outputs), reference.rmse(reference.outputs)), spec.rmse_ratio),
        Criterion("p95", latency["latency_p95_ms"], spec.p95_ms, "ms"),
        Criterion("size", size / BYTES_PER_MB, spec.size_mb, "MB"),
        Criterion(f"differing outputs in {spec.repeats} repeats", differing, 0),
        *_board_criteria(size, ram, reference, spec),
    ]
    return {
        "verdict": "PASS" if all(criterion.passed for criterion in criteria) else "FAIL",
        "reason": None,
        "criteria": [criterion.record() for criterion in criteria],
        "operators": dict(sorted(Counter(operators).items())),
        "foreign_operators": sorted(set(foreign)),
        "windows": len(reference.windows),
        "test_windows": len(reference.truth),
        "footprint": footprint,
        "runtime": _runtime(kind, arena),
        "ram_bytes": ram,
        "size_bytes": size,
        "size_to_smallest": size / smallest,
        "bytes_per_param": (size - (0 if footprint else len((text or "").encode()))) / reference.params,
        **latency,
        "latency_to_keras": latency["latency_p50_ms"] / reference.latency["latency_p50_ms"],
    }


def _board_criteria(size: int, ram: int | None, reference: Reference, spec: EdgeSpec) -> list[Criterion]:
    """Compare a file with the limits of the board; unknown memory fails."""
    if spec.profile not in BOARDS:
        return []
    board = BOARDS[spec.profile]
    return [
        Criterion("flash", size / 1000, board.flash_bytes / 2000, "kB"),
        Criterion("RAM", None if ram is None else ram / 1000, board.ram_bytes / 2000, "kB"),
        Criterion("estimated time", board.milliseconds(reference.macs), spec.p95_ms, "ms"),
    ]


def _parity(outputs: Float32, reference: Reference) -> float:
    """Return the largest difference from Keras, given the forecasts of all windows or of the last ones."""
    return float(np.max(np.abs(outputs - reference.outputs[-len(outputs) :])))


def _try_micro(content: bytes, reference: Reference, tolerance: float) -> int | None:
    """Return the arena of a file that runs in TFLite Micro and agrees with Keras, else None."""
    found = micro.run_micro(content, reference.windows[-_MICRO_WINDOWS:])
    if found is None or not _parity(found[0], reference) <= tolerance:
        return None
    return found[1]


def _runtime(kind: Kind, arena: int | None) -> str:
    """Return the smallest runtime known to run a file."""
    if kind == "tflite":
        alternative = "LiteRT" if micro.has_micro() else "LiteRT; TFLite Micro was not tried"
        return alternative if arena is None else "TFLite Micro"
    return {"onnx": "onnxruntime", "c": "none"}[kind]


def _onnx_operators(content: bytes) -> list[str]:
    import onnx

    model = onnx.load_model_from_string(content)
    return [f"CUSTOM {node.domain}.{node.op_type}" if node.domain else node.op_type for node in model.graph.node]


_FORMATS: dict[str, tuple[Callable[[bytes, str], tuple[Run, str | None]], Callable[[bytes], list[str]]]] = {
    "onnx": (open_onnx, _onnx_operators),
    "tflite": (open_tflite, tflite_file.operators),
    "c": (c_library.open_c, lambda content: []),  # noqa: ARG005 - there are none
}


def _single(run: Run, reference: Reference) -> Callable[[], Float32]:
    window = reference.windows[:1]
    return lambda: run(window)


def _ratio(found: float, reference: float) -> float:
    return found / reference if reference else (1.0 if found == 0 else float("inf"))


def _differing_repeats(run: Run, reference: Reference, repeats: int) -> int:
    """Count the repeats whose output differs from the first in any bit; other windows run in between."""
    window = reference.windows[:1]
    first = run(window).copy()
    differing = 0
    for repeat in range(repeats):
        other = 1 + repeat % (len(reference.windows) - 1)
        run(reference.windows[other : other + 1])
        differing += not np.array_equal(run(window), first)
    return differing
