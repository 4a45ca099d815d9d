"""A native ONNX graph, written from a Keras network's configuration and weights.

Recurrent layers become the LSTM and GRU operators of ONNX, never a Loop or Scan; the batch stays
dynamic. The source is the network's own configuration: one function below translates each kind of layer or operation,
and a kind without one is refused by name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.errors import ExportError

OPSET = 17
IR_VERSION = 8
INPUT_NAME, OUTPUT_NAME = "window", "forecast"

Weights = list[np.ndarray]


class _Graph:
    """The graph under construction. Values are named after the Keras layers that make them."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.values: dict[str, str] = {}
        self.time_major: dict[str, str] = {}
        """Value name to the name of the same sequence as `(steps, batch, channels)`."""

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        self.initializers[name] = np.asarray(value, dtype=dtype)
        return name

    def add(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def steps_first(self, value: str) -> str:
        """Return the sequence `value` as `(steps, batch, channels)`."""
        if value not in self.time_major:
            self.time_major[value] = self.add("Transpose", [value], f"{value}/steps_first", perm=[1, 0, 2])
        return self.time_major[value]

    def batch_first(self, value: str) -> str:
        """Return a value for operators other than the recurrent ones, made only on demand."""
        if value in self.time_major and not any(value in node.output for node in self.nodes) and value != INPUT_NAME:
            self.add("Transpose", [self.time_major[value]], value, perm=[1, 0, 2])
        return value


Translator = Callable[[_Graph, str, dict[str, Any], list[Any], Weights], str]
"""Adds one layer: `(graph, name, configuration, inputs, weights)` to the name of its value."""


def make_onnx(network: Any, metadata: dict[str, str], batch: int | str = "batch") -> bytes:
    """Write a Keras network as an ONNX model.

    Args:
        network: A functional network with one input `(batch, lookback, features)` and one output.
        metadata: Text to store in the file, key to value.
        batch: Windows in a call: the name of a dynamic axis, or a number for runtimes without such axes.

    Returns:
        The serialised model: input `window` and output `forecast`, float32.

    Raises:
        ExportError: The network has a layer without a translation, or the checker finds an error.

    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = _Graph(network)
    config = network.get_config()
    for layer in config["layers"]:
        _translate(graph, layer)
    last = graph.batch_first(graph.values[config["output_layers"][0]])
    graph.nodes.append(helper.make_node("Identity", [last], [OUTPUT_NAME], name=OUTPUT_NAME))
    _, lookback, features = network.input_shape
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            network.name,
            [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [batch, lookback, features])],
            [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [batch, network.output_shape[1]])],
            [numpy_helper.from_array(value, name) for name, value in graph.initializers.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="spline-lstm",
    )
    helper.set_model_props(model, metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the ONNX graph of '{network.name}' is not valid: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def _translate(graph: _Graph, layer: dict[str, Any]) -> None:
    name, kind = layer["name"], layer["class_name"]
    if kind == "InputLayer":
        graph.values[name] = INPUT_NAME
        return
    translator = _TRANSLATORS.get(kind)
    if translator is None:
        raise ExportError(f"layer '{name}' of kind {kind} has no ONNX translation; known: {', '.join(_TRANSLATORS)}")
    (call,) = layer["inbound_nodes"]
    arguments = [resolve_argument(graph.values, value) for value in call["args"]]
    weights = graph.network.get_layer(name).get_weights() if layer["module"] == "keras.layers" else []
    graph.values[name] = translator(graph, name, layer["config"], arguments, weights)


def resolve_argument(values: dict[str, Any], value: Any) -> Any:
    """Resolve one argument of a call: a tensor becomes the value of its layer, the rest stays unchanged."""
    if isinstance(value, list | tuple):
        return [resolve_argument(values, item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return values[value["config"]["keras_history"][0]]
    if isinstance(value, dict) and value.get("class_name") == "__slice__":
        return slice(*(value["config"][key] for key in ("start", "stop", "step")))
    return value


def _gates(matrix: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """Reorder the gate blocks along the last axis and transpose them to ONNX' layout, one row for each unit."""
    blocks = np.split(matrix, len(order), axis=-1)
    return np.concatenate([blocks[position] for position in order], axis=-1).T[None]


def _recurrent(
    graph: _Graph, name: str, config: dict[str, Any], source: str, kind: str, parts: Weights, **attributes: Any
) -> str:
    if (config["activation"], config["recurrent_activation"]) != ("tanh", "sigmoid") or config["go_backwards"]:
        raise ExportError(f"layer '{name}': only forward layers with tanh and sigmoid are translated")
    inputs = [graph.steps_first(source)]
    inputs += [graph.constant(f"{name}/{part}", value) for part, value in zip("WRB", parts, strict=True)]
    every_step, last = f"{name}/Y", f"{name}/Y_h"
    from onnx import helper

    outputs = [every_step] if config["return_sequences"] else ["", last]
    graph.nodes.append(helper.make_node(kind, inputs, outputs, name=name, hidden_size=config["units"], **attributes))
    if not config["return_sequences"]:
        axis = graph.constant("axis_0", [0], np.int64)
        return graph.add("Squeeze", [last, axis], f"{name}/state")
    axis = graph.constant("axis_1", [1], np.int64)  # (steps, directions, batch, units)
    value = f"{name}/sequence"
    graph.time_major[value] = graph.add("Squeeze", [every_step, axis], f"{value}/steps_first")
    return value


def _lstm(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], weights: Weights) -> str:
    # Keras orders the gates i, f, c, o; ONNX orders them i, o, f, c.
    kernel, recurrent, bias = (_gates(weight, (0, 3, 1, 2)) for weight in weights)
    both = np.concatenate([bias, np.zeros_like(bias)], axis=1)  # ONNX has a second bias, for the state
    return _recurrent(graph, name, config, inputs[0], "LSTM", [kernel, recurrent, both])


def _gru(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], weights: Weights) -> str:
    # Both order the gates z, r, h.
    kernel, recurrent = (_gates(weight, (0, 1, 2)) for weight in weights[:2])
    bias = weights[2] if config["reset_after"] else np.stack([weights[2], np.zeros_like(weights[2])])
    return _recurrent(
        graph,
        name,
        config,
        inputs[0],
        "GRU",
        [kernel, recurrent, bias.reshape(1, -1)],
        linear_before_reset=int(config["reset_after"]),
    )


_ACTIVATIONS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu"}


def _dense(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], weights: Weights) -> str:
    activation = config["activation"]
    if activation != "linear" and activation not in _ACTIVATIONS:
        raise ExportError(f"layer '{name}': the activation '{activation}' has no ONNX translation")
    value = graph.add(
        "MatMul", [graph.batch_first(inputs[0]), graph.constant(f"{name}/kernel", weights[0])], f"{name}/product"
    )
    if config["use_bias"]:
        value = graph.add("Add", [value, graph.constant(f"{name}/bias", weights[1])], f"{name}/sum")
    return value if activation == "linear" else graph.add(_ACTIVATIONS[activation], [value], f"{name}/activation")


def _dot(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
    if config["axes"] != 1 or config["normalize"]:
        raise ExportError(f"layer '{name}': only a plain product over axis 1 is translated")
    left, right = (graph.batch_first(value) for value in inputs[0])
    turned = graph.add("Transpose", [left], f"{name}/turned", perm=[0, 2, 1])
    return graph.add("MatMul", [turned, right], f"{name}/product")


def _slice(graph: _Graph, name: str, _: dict[str, Any], inputs: list[Any], __: Weights) -> str:
    value, slices = graph.batch_first(inputs[0]), inputs[1]
    kept = [(axis, item) for axis, item in enumerate(slices) if item != slice(None)]
    if not all(isinstance(item, slice) and item.step in (None, 1) for _, item in kept):
        raise ExportError(f"operation '{name}': only plain slices are translated")
    bounds = {
        "starts": [item.start or 0 for _, item in kept],
        "ends": [np.iinfo(np.int64).max if item.stop is None else item.stop for _, item in kept],
        "axes": [axis for axis, _ in kept],
    }
    constants = [graph.constant(f"{name}/{key}", numbers, np.int64) for key, numbers in bounds.items()]
    return graph.add("Slice", [value, *constants], f"{name}/slice")


def _take(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
    indices = graph.constant(f"{name}/indices", inputs[1], np.int64)
    return graph.add("Gather", [graph.batch_first(inputs[0]), indices], f"{name}/gather", axis=config["axis"])


def _clip(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
    bounds = [graph.constant(f"{name}/{key}", config[key]) for key in ("x_min", "x_max")]
    return graph.add("Clip", [graph.batch_first(inputs[0]), *bounds], f"{name}/clip")


def _rescaling(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
    scale, offset = (graph.constant(f"{name}/{key}", config[key]) for key in ("scale", "offset"))
    product = graph.add("Mul", [graph.batch_first(inputs[0]), scale], f"{name}/product")
    return graph.add("Add", [product, offset], f"{name}/sum")


def _mean(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
    value = graph.batch_first(inputs[0])
    return graph.add("ReduceMean", [value], f"{name}/mean", axes=[config["axis"]], keepdims=int(config["keepdims"]))


def _unary(kind: str) -> Translator:
    return lambda graph, name, config, inputs, weights: graph.add(  # noqa: ARG005
        kind, [graph.batch_first(inputs[0])], f"{name}/{kind.lower()}"
    )


def _binary(kind: str) -> Translator:
    def translate(graph: _Graph, name: str, _: dict[str, Any], inputs: list[Any], __: Weights) -> str:
        operands = inputs[0] if isinstance(inputs[0], list) else inputs
        names = [
            graph.batch_first(value) if isinstance(value, str) else graph.constant(f"{name}/operand", value)
            for value in operands
        ]
        return graph.add(kind, names, f"{name}/{kind.lower()}")

    return translate


def _with_shape(shape: Callable[[dict[str, Any]], list[int]]) -> Translator:
    def translate(graph: _Graph, name: str, config: dict[str, Any], inputs: list[Any], _: Weights) -> str:
        target = graph.constant(f"{name}/shape", shape(config), np.int64)
        return graph.add("Reshape", [graph.batch_first(inputs[0]), target], f"{name}/reshape")

    return translate


def _flatten(graph: _Graph, name: str, _: dict[str, Any], inputs: list[Any], __: Weights) -> str:
    return graph.add("Flatten", [graph.batch_first(inputs[0])], f"{name}/flatten", axis=1)


_TRANSLATORS: dict[str, Translator] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "Dense": _dense,
    "Dropout": lambda graph, name, config, inputs, weights: inputs[0],  # noqa: ARG005 - does nothing outside training
    "Dot": _dot,
    "Softmax": lambda graph, name, config, inputs, weights: graph.add(  # noqa: ARG005
        "Softmax", [graph.batch_first(inputs[0])], f"{name}/softmax", axis=config["axis"]
    ),
    "Permute": lambda graph, name, config, inputs, weights: graph.add(  # noqa: ARG005
        "Transpose", [graph.batch_first(inputs[0])], f"{name}/transpose", perm=[0, *config["dims"]]
    ),
    "Concatenate": lambda graph, name, config, inputs, weights: graph.add(  # noqa: ARG005
        "Concat", [graph.batch_first(value) for value in inputs[0]], f"{name}/concat", axis=config["axis"]
    ),
    **{kind: _unary(kind) for kind in ("Sqrt", "Exp", "Log")},
    "Clip": _clip,
    "Rescaling": _rescaling,
    "Square": lambda graph, name, config, inputs, weights: graph.add(  # noqa: ARG005
        "Mul", [graph.batch_first(inputs[0])] * 2, f"{name}/square"
    ),
    "Add": _binary("Add"),
    "Maximum": _binary("Max"),
    "Subtract": _binary("Sub"),
    "Multiply": _binary("Mul"),
    "TrueDivide": _binary("Div"),
    "Mean": _mean,
    "Take": _take,
    "GetItem": _slice,
    "Flatten": _flatten,
    "Reshape": _with_shape(lambda config: list(config["newshape"])),
}
