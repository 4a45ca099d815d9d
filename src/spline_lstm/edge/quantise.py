"""Smaller weights for an exported file: stored in 16 or 8 bits, used in 32.

Both formats store the same numbers. `fp16` rounds each large weight. `int8` keeps one scale for each output channel
(symmetric: the largest magnitude becomes 127), except for the regression, whose weights are large and cancel each
other: it stays in fp16.
"""

from typing import Any, Literal

import numpy as np

from spline_lstm.edge import tflite_file
from spline_lstm.types import Float32

Precision = Literal["fp16", "int8"]
_SMALLEST = 64  # elements: smaller weights save less than the bookkeeping costs
REGRESSION = "linear_path"
_MOST = np.float32(127)


def _is_stored_smaller(weight: np.ndarray, channels: int) -> bool:
    """Tell whether a weight is large enough to save space; a bias would need a scale for each element."""
    return weight.dtype == np.float32 and weight.size >= max(_SMALLEST, 2 * channels)


def _precision_of(name: str, precision: Precision) -> Precision:
    return "fp16" if REGRESSION in name else precision


def round_to_int8(weight: Float32, axis: int) -> tuple[np.ndarray, Float32]:
    """Return the weight in 8 bits and the scale of each channel along `axis`, ready to broadcast."""
    others = tuple(other for other in range(weight.ndim) if other != axis)
    scale = np.maximum(np.abs(weight).max(axis=others, keepdims=True), np.float32(1e-12)) / _MOST
    return np.clip(np.round(weight / scale), -_MOST, _MOST).astype(np.int8), scale.astype(np.float32)


def quantise_onnx(content: bytes, precision: Precision) -> bytes:
    """Store the weights of an ONNX model in fewer bits.

    A weight in 8 bits is cast and multiplied by its scales once, when the file is loaded. DequantizeLinear would do the
    same, but onnxruntime merges it with the product after it and then computes in 8 bits.

    Args:
        content: A model in float32.
        precision: Number format of the stored weights.

    Returns:
        The smaller model; inputs, outputs and all computation stay float32.

    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_model_from_string(content)
    kept, added = [], []
    for tensor in model.graph.initializer:
        weight, name = numpy_helper.to_array(tensor), tensor.name
        # Axis 1 holds the output channels in kernels (in, out) as in gates (1, gates, in).
        if weight.ndim < 2 or not _is_stored_smaller(weight, weight.shape[1]):
            kept.append(tensor)
            continue
        stored = f"{name}/{precision}"
        if _precision_of(name, precision) == "fp16":
            kept.append(numpy_helper.from_array(weight.astype(np.float16), stored))
            added.append(helper.make_node("Cast", [stored], [name], name=f"{name}/cast", to=TensorProto.FLOAT))
            continue
        rounded, scale = round_to_int8(weight, 1)
        kept += [numpy_helper.from_array(rounded, stored), numpy_helper.from_array(scale, f"{name}/scale")]
        whole = f"{name}/whole"
        added += [
            helper.make_node("Cast", [stored], [whole], name=f"{name}/cast", to=TensorProto.FLOAT),
            helper.make_node("Mul", [whole, f"{name}/scale"], [name], name=f"{name}/scaled"),
        ]
    nodes = [*added, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def quantise_tflite(content: bytes, precision: Precision) -> bytes:
    """Store the weights of a TFLite model in fewer bits: a DEQUANTIZE operator restores each of them.

    Args:
        content: A model in float32 whose tensors still have the names of their layers.
        precision: Number format of the stored weights.

    Returns:
        The smaller model; inputs, outputs and all computation stay float32. LiteRT restores constant weights once.

    """
    model, schema = tflite_file.unpack(content), tflite_file.schema()
    product = schema.BuiltinOperator.FULLY_CONNECTED
    for graph in model.subgraphs:
        products = [operator for operator in graph.operators if tflite_file.kind(model, operator) == product]
        added = []
        for index in sorted({int(operator.inputs[1]) for operator in products}):
            tensor = graph.tensors[index]
            data = model.buffers[tensor.buffer].data
            if data is None or not len(data):
                continue
            weight = np.asarray(data, dtype=np.uint8).view(np.float32).reshape(tensor.shape)
            if _is_stored_smaller(weight, weight.shape[0]):
                stored = _stored_tensor(model, tensor, weight, _precision_of(tensor.name.decode(), precision))
                graph.tensors.append(stored)
                added.append(_dequantise(model, len(graph.tensors) - 1, index, stored.type))
        graph.operators = [*added, *graph.operators]
    return tflite_file.pack(model)


def _stored_tensor(model: Any, tensor: Any, weight: Float32, precision: Precision) -> Any:
    """Move a weight `(out, in)` from a tensor to a smaller one, and return the new tensor."""
    schema = tflite_file.schema()
    stored = schema.TensorT()
    stored.shape, stored.name = tensor.shape, tensor.name
    stored.buffer, tensor.buffer = tflite_file.add_buffer(model, b""), 0
    if precision == "fp16":
        stored.type, data = schema.TensorType.FLOAT16, weight.astype(np.float16)
    else:
        stored.type = schema.TensorType.INT8
        data, scale = round_to_int8(weight, 0)
        stored.quantization = schema.QuantizationParametersT()
        stored.quantization.scale = scale.reshape(-1)
        stored.quantization.zeroPoint = np.zeros(scale.size, dtype=np.int64)
    model.buffers[stored.buffer].data = data.reshape(-1).view(np.uint8)
    return stored


def _dequantise(model: Any, given: int, made: int, stored_type: int) -> Any:
    schema = tflite_file.schema()
    operator = schema.OperatorT()
    # Versions of the operator: 3 takes fp16, 5 takes int8 with a scale for each channel.
    version = 3 if stored_type == schema.TensorType.FLOAT16 else 5
    operator.opcodeIndex = tflite_file.operator_code(model, schema.BuiltinOperator.DEQUANTIZE, version)
    operator.inputs, operator.outputs = np.array([given]), np.array([made])
    return operator
