"""Smaller weights for an ONNX graph: stored in 16 or 8 bits, computed with in 32."""

from typing import Literal

import numpy as np

_SMALLEST = 64  # elements: below that the bookkeeping outweighs what is saved


def quantise_onnx(content: bytes, precision: Literal["fp16", "int8"]) -> bytes:
    """Store the weights of an ONNX model in fewer bits.

    Args:
        content: A model in float32.
        precision: `fp16` casts each large weight on loading; `int8` keeps one scale for each output
            channel (symmetric, the largest magnitude becomes 127).

    Returns:
        The smaller model; inputs, outputs and all computation stay float32.

    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_model_from_string(content)
    kept, added = [], []
    for tensor in model.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if weight.dtype != np.float32 or weight.size < _SMALLEST or weight.ndim < 2:
            kept.append(tensor)
            continue
        stored, name = f"{tensor.name}/{precision}", tensor.name
        if precision == "fp16":
            kept.append(numpy_helper.from_array(weight.astype(np.float16), stored))
            added.append(helper.make_node("Cast", [stored], [name], name=f"{name}/cast", to=TensorProto.FLOAT))
            continue
        # Axis 1 holds the output channels in kernels (in, out) as in gates (1, gates, in).
        others = tuple(axis for axis in range(weight.ndim) if axis != 1)
        if weight.size == weight.shape[1]:  # a bias: a scale for each of its elements would make it larger
            kept.append(tensor)
            continue
        scale = np.maximum(np.abs(weight).max(axis=others), np.float32(1e-12)) / np.float32(127)
        shape = [-1 if axis == 1 else 1 for axis in range(weight.ndim)]
        rounded = np.clip(np.round(weight / scale.reshape(shape)), -127, 127).astype(np.int8)
        kept += [
            numpy_helper.from_array(rounded, stored),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}/scale"),
        ]
        added.append(
            helper.make_node("DequantizeLinear", [stored, f"{name}/scale"], [name], name=f"{name}/dequantise", axis=1)
        )
    nodes = [*added, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
