"""All exported files of a run."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, WithJsonSchema

from spline_lstm.edge import conversion, tflite_file
from spline_lstm.edge.contract import METADATA_KEY, EdgeContract
from spline_lstm.edge.gate import EdgeSpec
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.edge.quantise import quantise_onnx
from spline_lstm.spec import Names, Spec

SECOND_ROUTE = "second_route.onnx"


_FORMATS = ("none", "onnx", "tflite")


def _check_formats(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in _FORMATS]
    if unknown or not names:
        raise ValueError(f"allowed: {', '.join(_FORMATS)}")
    if "none" in names and len(names) > 1:
        raise ValueError("'none' stands alone")
    return tuple(sorted(names))


class ExportSpec(Spec):
    """The formats of the exported files."""

    export_formats: Annotated[
        Names, AfterValidator(_check_formats), WithJsonSchema({"type": "array", "items": {"enum": list(_FORMATS)}})
    ]


def file_name(kind: str, precision: str) -> str:
    """Name of an exported file: `model.onnx`, `model.int8.tflite`."""
    return f"model.{kind}" if precision == "fp32" else f"model.{precision}.{kind}"


def export(
    model_file: bytes, network: Any, contract: EdgeContract, formats: tuple[str, ...], spec: EdgeSpec
) -> dict[str, bytes]:
    """Export a trained network.

    Args:
        model_file: Its `.keras` archive.
        network: The network that was loaded from it.
        contract: What the files say of themselves.
        formats: `onnx`, `tflite`, both, or `none`.
        spec: Precisions and the form of TFLite files.

    Returns:
        File name to content; with ONNX also tf2onnx' conversion, as `second_route.onnx`.

    Raises:
        ExportError: A conversion fails.

    """
    files: dict[str, bytes] = {}
    if formats == ("none",):
        return files
    precisions = spec.precisions if "tflite" in formats else ()
    converted = conversion.convert(model_file, precisions, spec.tflite_form, second_route="onnx" in formats)
    if "onnx" in formats:
        native = make_onnx(network, {METADATA_KEY: contract.to_text()})
        for precision in spec.precisions:
            files[file_name("onnx", precision)] = (
                native if precision == "fp32" else quantise_onnx(native, precision)  # type: ignore[arg-type]
            )
        files[SECOND_ROUTE] = _with_contract(converted["tf2onnx"], contract)
    for precision in precisions:
        content = tflite_file.with_metadata(converted[precision], METADATA_KEY, contract.to_text())
        files[file_name("tflite", precision)] = content
    return files


def _with_contract(content: bytes, contract: EdgeContract) -> bytes:
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_text()})
    return bytes(model.SerializeToString())


def parse_file_name(name: str) -> tuple[Literal["onnx", "tflite"], str]:
    """Return the format and precision that `file_name` put into a name."""
    stem, _, kind = name.rpartition(".")
    precision = stem.removeprefix("model").lstrip(".") if stem.startswith("model") else ""
    return ("tflite" if kind == "tflite" else "onnx"), precision or "fp32"
