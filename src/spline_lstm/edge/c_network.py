"""A Keras network as C statements for one window.

As in `onnx_graph`, the network's own configuration is the source: each kind of layer is translated by one function
below, and one that has none is refused by name. Every value lies in one workspace; where a value is used for the last
time, its room is free again.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spline_lstm.edge.c_tables import number
from spline_lstm.edge.onnx_graph import resolve_argument
from spline_lstm.errors import ExportError
from spline_lstm.types import Float32

Shape = tuple[int, ...]


@dataclass
class Value:
    """A tensor of batch 1, without that axis, in row-major order."""

    shape: Shape
    place: str
    """What points to its first element in C: `window`, or `work + 128`."""
    room: "Room | None" = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass
class Room:
    """A part of the workspace, and the last layer that reads it."""

    start: int
    size: int
    last: int = 0


@dataclass
class CNetwork:
    """The statements and what they need.

    Attributes:
        statements: Lines of the function's body.
        constants: Name to weights.
        kernels: Names of the functions that are called.
        work: Elements of the workspace.

    """

    statements: list[str] = field(default_factory=list)
    constants: dict[str, Float32] = field(default_factory=dict)
    kernels: set[str] = field(default_factory=set)
    work: int = 0

    def constant(self, name: str, value: Any) -> str:
        """Add weights and return their name in C."""
        name = "".join(character if character.isalnum() else "_" for character in name)
        self.constants[name] = np.asarray(value, dtype=np.float32)
        return name

    def call(self, kernel: str, *arguments: Any) -> None:
        """Add a call of a kernel."""
        self.kernels.add(kernel)
        self.statements.append(f"{kernel}({', '.join(map(str, arguments))});")

    def loops(self, shape: Shape, body: Callable[[list[str]], str]) -> None:
        """Add a statement for each element of a shape; `body` writes it, given the index along each axis."""
        indices = [f"i{axis}" for axis in range(len(shape))]
        lines = [
            f"{'    ' * axis}for (int {index} = 0; {index} < {count}; {index}++)"
            for axis, (index, count) in enumerate(zip(indices, shape, strict=True))
        ]
        self.statements += [*lines, "    " * len(shape) + body(indices)]


class _Writer(CNetwork):
    """The statements under construction."""

    def __init__(self, shapes: dict[str, Shape], last_use: dict[str, int]) -> None:
        super().__init__()
        self.shapes, self.last_use = shapes, last_use
        self.values: dict[str, Value] = {}
        self.rooms: list[Room] = []
        self.position = 0

    def make(self, shape: Shape, until: int) -> Value:
        """Take room for a value that is read last at the position `until`."""
        size, start = math.prod(shape), 0
        self.rooms = sorted((room for room in self.rooms if room.last >= self.position), key=lambda room: room.start)
        for room in self.rooms:
            if start + size <= room.start:
                break
            start = max(start, room.start + room.size)
        room = Room(start, size, until)
        self.rooms.append(room)
        self.work = max(self.work, start + size)
        return Value(shape, f"(work + {start})", room)

    def output(self, name: str) -> Value:
        """Take room for the value of a layer."""
        return self.make(self.shapes[name], self.last_use[name])

    def view(self, name: str, value: Value) -> Value:
        """Return a value that has another shape for its layer; its room stays taken as long as that is read."""
        if value.room is not None:
            value.room.last = max(value.room.last, self.last_use[name])
        return Value(self.shapes[name], value.place, value.room)


Translator = Callable[[_Writer, str, dict[str, Any], list[Any], list[Any]], Value]
"""Adds one layer: `(writer, name, configuration, inputs, weights)` to its value."""


def write_network(network: Any) -> CNetwork:
    """Write a Keras network in C.

    Args:
        network: A functional network with one input `(batch, lookback, features)` and one output.

    Raises:
        ExportError: The network holds a layer that has no translation.

    """
    config = network.get_config()
    shapes = {operation.name: tuple(operation.output.shape[1:]) for operation in network.operations}
    names = [layer["name"] for layer in config["layers"]]
    readers = {name: len(names) if name == config["output_layers"][0] else 0 for name in names}
    for position, layer in enumerate(config["layers"]):
        for name in _sources(layer["inbound_nodes"]):
            readers[name] = max(readers[name], position)
    writer = _Writer(shapes, readers)
    for position, layer in enumerate(config["layers"]):
        writer.position = position
        _translate(writer, network, layer)
    last = writer.values[config["output_layers"][0]]
    writer.loops((last.size,), lambda at: f"forecast[{at[0]}] = {last.place}[{at[0]}];")
    return writer


def _sources(config: Any) -> list[str]:
    if isinstance(config, list | tuple):
        return [name for item in config for name in _sources(item)]
    if not isinstance(config, dict):
        return []
    if "keras_history" in config:
        return [config["keras_history"][0]]
    return [name for value in config.values() for name in _sources(value)]


def _translate(writer: _Writer, network: Any, layer: dict[str, Any]) -> None:
    name, kind = layer["name"], layer["class_name"]
    if kind == "InputLayer":
        writer.values[name] = Value(writer.shapes[name], "window")
        return
    translator = _TRANSLATORS.get(kind)
    if translator is None:
        raise ExportError(f"layer '{name}' of kind {kind} has no C translation; known: {', '.join(_TRANSLATORS)}")
    (call,) = layer["inbound_nodes"]
    arguments = [resolve_argument(writer.values, value) for value in call["args"]]
    weights = network.get_layer(name).get_weights() if layer["module"] == "keras.layers" else []
    writer.values[name] = translator(writer, name, layer["config"], arguments, weights)


def _recurrent(writer: _Writer, name: str, config: dict[str, Any], source: Value, weights: list[Any]) -> Value:
    if (config["activation"], config["recurrent_activation"]) != ("tanh", "sigmoid") or config["go_backwards"]:
        raise ExportError(f"layer '{name}': only forward layers with tanh and sigmoid are translated")
    kind = "gru" if len(weights) == 4 else "lstm"
    (steps, channels), units = source.shape, config["units"]
    parts = ("kernel", "recurrent", "bias", "recurrent_bias")
    names = [writer.constant(f"{name}_{part}", weight) for part, weight in zip(parts, weights, strict=False)]
    made = writer.output(name)
    # The state before the first step lies before the output, or is the output where only the last state is asked for.
    every = config["return_sequences"]
    scratch = writer.make(((6 if kind == "gru" else 9) * units,), writer.position)
    zeros = writer.make((units,), writer.position) if every else made
    writer.loops((units,), lambda at: f"{zeros.place}[{at[0]}] = 0.0f;")
    if kind == "lstm":
        writer.loops((units,), lambda at: f"{scratch.place}[{8 * units} + {at[0]}] = 0.0f;")
    writer.kernels.add(f"{kind}_step")
    before = f"(t ? {made.place} + (t - 1) * {units} : {zeros.place})" if every else made.place
    after = f"{made.place} + t * {units}" if every else made.place
    writer.statements += [
        f"for (int t = 0; t < {steps}; t++) {{",
        f"    static const float *const weights[] = {{{', '.join(names)}}};",
        f"    {kind}_step(weights, {source.place} + t * {channels}, {before}, {after}, {scratch.place}, "
        f"{channels}, {units});",
        "}",
    ]
    return made


def _lstm(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    return _recurrent(writer, name, config, inputs[0], weights)


def _gru(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    if not config["reset_after"]:
        raise ExportError(f"layer '{name}': only a GRU with reset_after has a C translation")
    kernel, recurrent, (bias, recurrent_bias) = weights
    return _recurrent(writer, name, config, inputs[0], [kernel, recurrent, bias, recurrent_bias])


def _dense(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    activation = config["activation"]
    if activation not in ("linear", "tanh", "sigmoid", "relu"):
        raise ExportError(f"layer '{name}': the activation '{activation}' has no C translation")
    source, made = inputs[0], writer.output(name)
    kernel = writer.constant(f"{name}_kernel", weights[0])
    bias = writer.constant(f"{name}_bias", weights[1]) if config["use_bias"] else "0"
    channels, units = weights[0].shape
    rows = source.size // channels
    writer.kernels.add("dense")
    given, found = f"{source.place} + r * {channels}", f"{made.place} + r * {units}"
    writer.statements += [
        f"for (int r = 0; r < {rows}; r++)",
        f"    dense({kernel}, {bias}, {given}, {found}, {channels}, {units});",
    ]
    if activation != "linear":
        writer.call(f"{activation}_all", made.place, made.size)
    return made


def _dot(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    first, second = inputs[0]
    if config["axes"] != 1 or config["normalize"]:
        raise ExportError(f"layer '{name}': only dot products along the steps have a C translation")
    made = writer.output(name)
    (steps, rows), columns = first.shape, second.shape[1]
    writer.loops((made.size,), lambda at: f"{made.place}[{at[0]}] = 0.0f;")
    writer.loops(
        (steps, rows, columns),
        lambda at: (
            f"{made.place}[{at[1]} * {columns} + {at[2]}] += {first.place}[{at[0]} * {rows} + {at[1]}]"
            f" * {second.place}[{at[0]} * {columns} + {at[2]}];"
        ),
    )
    return made


def _softmax(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    source, made = inputs[0], writer.output(name)
    if config["axis"] != 1:
        raise ExportError(f"layer '{name}': only a softmax over the steps has a C translation")
    writer.loops((made.size,), lambda at: f"{made.place}[{at[0]}] = {source.place}[{at[0]}];")
    writer.call("softmax_rows", made.place, *source.shape)
    return made


def _at(value: Any, shape: Shape, at: list[str]) -> str:
    """Read an operand at an element of the result `shape`, broadcast as in NumPy."""
    if not isinstance(value, Value):
        return number(float(value))
    aligned = at[len(shape) - len(value.shape) :]
    terms, stride = [], 1
    for count, index in zip(reversed(value.shape), reversed(aligned), strict=True):
        terms += [f"{index} * {stride}"] if count > 1 else []
        stride *= count
    return f"{value.place}[{' + '.join(reversed(terms)) or '0'}]"


def _elementwise(expression: str) -> Translator:
    """Translate an operation on each element; `{0}` and `{1}` are its operands."""

    def translate(writer: _Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
        operands, made = inputs[0] if isinstance(inputs[0], list) else inputs, writer.output(name)
        writer.loops(
            made.shape,
            lambda at: (
                f"{_at(made, made.shape, at)} = {expression.format(*(_at(x, made.shape, at) for x in operands))};"
            ),
        )
        return made

    return translate


def _clip(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    low, high = number(config["x_min"]), number(config["x_max"])
    return _elementwise(f"{{0}} < {low} ? {low} : {{0}} > {high} ? {high} : {{0}}")(
        writer, name, config, inputs, weights
    )


def _rescaling(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    source, made = inputs[0], writer.output(name)
    channels = made.shape[-1]
    scale, offset = (
        writer.constant(f"{name}_{key}", np.broadcast_to(config[key], channels)) for key in ("scale", "offset")
    )
    writer.loops(
        (made.size // channels, channels),
        lambda at: (
            f"{made.place}[{at[0]} * {channels} + {at[1]}] = {source.place}[{at[0]} * {channels} + {at[1]}]"
            f" * {scale}[{at[1]}] + {offset}[{at[1]}];"
        ),
    )
    return made


def _mean(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    source, made = inputs[0], writer.output(name)
    if config["axis"] != 1:
        raise ExportError(f"layer '{name}': only a mean over the steps has a C translation")
    steps, channels = source.shape
    writer.loops((channels,), lambda at: f"{made.place}[{at[0]}] = 0.0f;")
    writer.loops(
        (steps, channels), lambda at: f"{made.place}[{at[1]}] += {source.place}[{at[0]} * {channels} + {at[1]}];"
    )
    writer.loops((channels,), lambda at: f"{made.place}[{at[0]}] /= {number(steps)};")
    return made


def _permute(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    source, made = inputs[0], writer.output(name)
    if tuple(config["dims"]) != (2, 1):
        raise ExportError(f"layer '{name}': only an exchange of two axes has a C translation")
    rows, columns = source.shape
    writer.loops(
        (rows, columns),
        lambda at: f"{made.place}[{at[1]} * {rows} + {at[0]}] = {source.place}[{at[0]} * {columns} + {at[1]}];",
    )
    return made


def _copy_columns(writer: _Writer, source: Value, made: Value, columns: list[int], first: int) -> None:
    """Copy some columns of a value to consecutive ones of another."""
    to, of = made.shape[1], source.shape[1]
    for place, column in enumerate(columns, start=first):
        writer.statements += [
            f"for (int r = 0; r < {source.shape[0]}; r++)",
            f"    {made.place}[r * {to} + {place}] = {source.place}[r * {of} + {column}];",
        ]


def _take(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    if config["axis"] != 2:
        raise ExportError(f"layer '{name}': only channels may be taken in C")
    source, made = inputs[0], writer.output(name)
    _copy_columns(writer, source, made, [int(index) for index in inputs[1]], 0)
    return made


def _concatenate(writer: _Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    if config["axis"] not in (2, -1):
        raise ExportError(f"layer '{name}': only channels may be joined in C")
    made, first = writer.output(name), 0
    for source in inputs[0]:
        _copy_columns(writer, source, made, list(range(source.shape[1])), first)
        first += source.shape[1]
    return made


def _slice(writer: _Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
    source, (batch, steps, channels) = inputs[0], inputs[1]
    if batch != slice(None) or channels != slice(None):
        raise ExportError(f"layer '{name}': only steps may be sliced in C")
    start, _stop, stride = steps.indices(source.shape[0])
    if stride != 1:
        raise ExportError(f"layer '{name}': only consecutive steps may be sliced in C")
    view = writer.view(name, source)
    return Value(view.shape, f"({source.place} + {start * source.shape[1]})", view.room)


def _as_it_lies(writer: _Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
    return writer.view(name, inputs[0])


_TRANSLATORS: dict[str, Translator] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "Dense": _dense,
    "Dropout": _as_it_lies,  # does nothing outside training
    "Dot": _dot,
    "Softmax": _softmax,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Sqrt": _elementwise("sqrtf({0})"),
    "Exp": _elementwise("expf({0})"),
    "Log": _elementwise("logf({0})"),
    "Clip": _clip,
    "Rescaling": _rescaling,
    "Square": _elementwise("{0} * {0}"),
    "Add": _elementwise("{0} + {1}"),
    "Maximum": _elementwise("{0} > {1} ? {0} : {1}"),
    "Subtract": _elementwise("{0} - {1}"),
    "Multiply": _elementwise("{0} * {1}"),
    "TrueDivide": _elementwise("{0} / {1}"),
    "Mean": _mean,
    "Take": _take,
    "GetItem": _slice,
    "Flatten": _as_it_lies,
    "Reshape": _as_it_lies,
}
