"""All exported files of a run."""

from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, WithJsonSchema

from spline_lstm.edge import conversion, tflite_file
from spline_lstm.edge.c_file import make_c_files
from spline_lstm.edge.c_workspace import CPrecision
from spline_lstm.edge.contract import CONTRACT_FILE, METADATA_KEY, EdgeContract
from spline_lstm.edge.conversion import RECURRENT, TFLiteForm
from spline_lstm.edge.gate import EdgeSpec, Kind
from spline_lstm.edge.live_network import make_live_network
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.quantise import quantise_onnx, quantise_tflite
from spline_lstm.models.archive import archive_network
from spline_lstm.series.preprocessor_file import PREPROCESSOR_FILE
from spline_lstm.spec import Names, Spec

SECOND_ROUTE = "second_route.onnx"
FIXED_BATCH = "model_batch1.onnx"
"""The network with full weights, for runtimes without dynamic axes."""
COMPANIONS = (CONTRACT_FILE, PREPROCESSOR_FILE, "model.h", "model.fp16.h", "model.int8.h")
"""Exported files that are not models."""


_FORMATS = ("none", "onnx", "tflite", "c")


def _check_formats(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in _FORMATS]
    if unknown or not names:
        raise ValueError(f"allowed: {', '.join(_FORMATS)}")
    if "none" in names and len(names) > 1:
        raise ValueError("'none' cannot be combined with a format")
    return tuple(sorted(names))


class ExportSpec(Spec):
    """The formats of the exported files."""

    export_formats: Annotated[
        Names, AfterValidator(_check_formats), WithJsonSchema({"type": "array", "items": {"enum": list(_FORMATS)}})
    ]


def file_name(kind: str, precision: str) -> str:
    """Name of an exported file: `model.onnx`, `model.int8.tflite`."""
    return f"model.{kind}" if precision == "fp32" else f"model.{precision}.{kind}"


def export(network: Any, contract: EdgeContract, formats: tuple[str, ...], spec: EdgeSpec) -> dict[str, bytes]:
    """Export the live part of a trained network.

    Args:
        network: The network.
        contract: The input contract of the files.
        formats: Any of `onnx`, `tflite` and `c`, or `none`.
        spec: Precisions and the form of TFLite files.

    Returns:
        File name to content: the models, the contract as `contract.json`, and with ONNX also a file for batch 1,
            `model_batch1.onnx`, and tf2onnx' conversion, `second_route.onnx`.

    Raises:
        ExportError: A conversion fails.

    """
    if formats == ("none",):
        return {}
    text, network = contract.to_text(), make_live_network(network)
    files = {CONTRACT_FILE: text.encode()}
    forms = {precision: choose_form(network, precision, spec.tflite_form) for precision in spec.precisions}
    asked = tuple(sorted(set(forms.values()))) if "tflite" in formats else ()
    converted = {}
    if asked or "onnx" in formats:
        converted = conversion.convert(archive_network(network), asked, second_route="onnx" in formats)
    if "onnx" in formats:
        native = make_onnx(network, {METADATA_KEY: text})
        for precision in spec.precisions:
            files[file_name("onnx", precision)] = (
                native if precision == "fp32" else quantise_onnx(native, precision)  # type: ignore[arg-type]
            )
        files[FIXED_BATCH] = make_onnx(network, {METADATA_KEY: text}, batch=1)
        files[SECOND_ROUTE] = _with_contract(converted["tf2onnx"], contract)
    for precision, form in forms.items() if asked else ():
        full = converted[form]
        content = full if precision == "fp32" else quantise_tflite(full, precision)  # type: ignore[arg-type]
        files[file_name("tflite", precision)] = tflite_file.finish(content, METADATA_KEY, text)
    if "c" in formats:
        for precision in spec.precisions:
            files |= make_c_files(network, contract, cast(CPrecision, precision))
    return files


_MOST_UNROLLED = 48
"""Most recurrent steps for which an unrolled graph is faster."""


def choose_form(network: Any, precision: str, asked: TFLiteForm | Literal["auto"]) -> TFLiteForm:
    """Choose the form of recurrent layers in a TFLite file.

    A loop is smaller. It is as fast if every layer returns only its last state, but slower if a layer returns every
    step. So layers with full weights and few steps are unrolled if one of them returns every step.
    """
    if asked != "auto":
        return asked
    layers = [layer for layer in network.layers if type(layer).__name__ in RECURRENT]
    slow = any(layer.return_sequences and layer.input.shape[1] <= _MOST_UNROLLED for layer in layers)
    return "unrolled" if precision == "fp32" and slow else "loop"


def _with_contract(content: bytes, contract: EdgeContract) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_text()})
    return bytes(model.SerializeToString())


def parse_file_name(name: str) -> tuple[Kind, str]:
    """Return the format and precision of a file, given its name."""
    stem, _, kind = name.rpartition(".")
    precision = stem.partition(".")[2]
    return cast(Kind, kind), precision or "fp32"
