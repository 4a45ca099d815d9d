"""Each kind of layer of a Keras network, in C."""

from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.edge.c_tables import number
from spline_lstm.edge.c_workspace import Shape, Value, Writer
from spline_lstm.edge.quantise import REGRESSION
from spline_lstm.errors import ExportError

Translator = Callable[[Writer, str, dict[str, Any], list[Any], list[Any]], Value]
"""Adds one layer: `(writer, name, configuration, inputs, weights)` to its value."""


def _recurrent(writer: Writer, name: str, config: dict[str, Any], source: Value, weights: list[Any]) -> Value:
    if (config["activation"], config["recurrent_activation"]) != ("tanh", "sigmoid") or config["go_backwards"]:
        raise ExportError(f"layer '{name}': only forward layers with tanh and sigmoid are translated")
    kind = "gru" if len(weights) == 4 else "lstm"
    (steps, channels), units = source.shape, config["units"]
    parts = ("kernel", "recurrent", "bias", "recurrent_bias")
    stored = [writer.kernel(f"{name}_{part}", weight) for part, weight in zip(parts, weights[:2], strict=False)]
    kernels, scales = zip(*stored, strict=True)
    biases = [writer.constant(f"{name}_{part}", weight) for part, weight in zip(parts[2:], weights[2:], strict=False)]
    made = writer.output(name)
    # Each step reads the state before it: the previous output or, before the first step, zeros. A layer that returns
    # only its last state has one state, which each step overwrites.
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
        f"    static const weight *const kernels[] = {{{', '.join(kernels)}}};",
        f"    static const float *const vectors[] = {{{', '.join([*scales, *biases])}}};",
        f"    {kind}_step(kernels, vectors, {source.place} + t * {channels}, {before}, {after}, {scratch.place}, "
        f"{channels}, {units});",
        "}",
    ]
    return made


def _lstm(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    return _recurrent(writer, name, config, inputs[0], weights)


def _gru(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    if not config["reset_after"]:
        raise ExportError(f"layer '{name}': only a GRU with reset_after has a C translation")
    kernel, recurrent, (bias, recurrent_bias) = weights
    return _recurrent(writer, name, config, inputs[0], [kernel, recurrent, bias, recurrent_bias])


def _dense(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    activation = config["activation"]
    if activation not in ("linear", "tanh", "sigmoid", "relu"):
        raise ExportError(f"layer '{name}': the activation '{activation}' has no C translation")
    source, made = inputs[0], writer.output(name)
    kernels = writer.kernels_of(f"{name}_kernel", weights[0], exact=name == REGRESSION)
    bias = writer.constant(f"{name}_bias", weights[1]) if config["use_bias"] else "0"
    channels, units = weights[0].shape
    rows = source.size // channels
    writer.kernels.add("dense")
    given, found = f"{source.place} + r * {channels}", f"{made.place} + r * {units}"
    (kernel, scale), *rest = kernels
    writer.statements += [
        f"for (int r = 0; r < {rows}; r++)",
        f"    dense({kernel}, {scale}, {bias}, {given}, {found}, {channels}, {units});",
    ]
    for fine, fine_scale in rest:  # of the regression, which has one row
        added = writer.make((units,), writer.position)
        writer.statements += [
            f"dense({fine}, {fine_scale}, 0, {source.place}, {added.place}, {channels}, {units});",
            f"for (int u = 0; u < {units}; u++)",
            f"    {made.place}[u] += {added.place}[u];",
        ]
    if activation != "linear":
        writer.call(f"{activation}_all", made.place, made.size)
    return made


def _dot(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
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


def _softmax(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
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

    def translate(writer: Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
        operands, made = inputs[0] if isinstance(inputs[0], list) else inputs, writer.output(name)
        writer.loops(
            made.shape,
            lambda at: (
                f"{_at(made, made.shape, at)} = {expression.format(*(_at(x, made.shape, at) for x in operands))};"
            ),
        )
        return made

    return translate


def _clip(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], weights: list[Any]) -> Value:
    low, high = number(config["x_min"]), number(config["x_max"])
    return _elementwise(f"{{0}} < {low} ? {low} : {{0}} > {high} ? {high} : {{0}}")(
        writer, name, config, inputs, weights
    )


def _rescaling(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
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


def _mean(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
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


def _permute(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    source, made = inputs[0], writer.output(name)
    if tuple(config["dims"]) != (2, 1):
        raise ExportError(f"layer '{name}': only an exchange of two axes has a C translation")
    rows, columns = source.shape
    writer.loops(
        (rows, columns),
        lambda at: f"{made.place}[{at[1]} * {rows} + {at[0]}] = {source.place}[{at[0]} * {columns} + {at[1]}];",
    )
    return made


def _copy_columns(writer: Writer, source: Value, made: Value, columns: list[int], first: int) -> None:
    """Copy some columns of a value to consecutive columns of another value."""
    to, of = made.shape[1], source.shape[1]
    for place, column in enumerate(columns, start=first):
        writer.statements += [
            f"for (int r = 0; r < {source.shape[0]}; r++)",
            f"    {made.place}[r * {to} + {place}] = {source.place}[r * {of} + {column}];",
        ]


def _take(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    if config["axis"] != 2:
        raise ExportError(f"layer '{name}': only channels may be taken in C")
    source, made = inputs[0], writer.output(name)
    _copy_columns(writer, source, made, [int(index) for index in inputs[1]], 0)
    return made


def _concatenate(writer: Writer, name: str, config: dict[str, Any], inputs: list[Any], _: list[Any]) -> Value:
    if config["axis"] not in (2, -1):
        raise ExportError(f"layer '{name}': only channels may be joined in C")
    made, first = writer.output(name), 0
    for source in inputs[0]:
        _copy_columns(writer, source, made, list(range(source.shape[1])), first)
        first += source.shape[1]
    return made


def _slice(writer: Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
    source, (batch, steps, channels) = inputs[0], inputs[1]
    if batch != slice(None) or channels != slice(None):
        raise ExportError(f"layer '{name}': only steps may be sliced in C")
    start, _stop, stride = steps.indices(source.shape[0])
    if stride != 1:
        raise ExportError(f"layer '{name}': only consecutive steps may be sliced in C")
    view = writer.view(name, source)
    return Value(view.shape, f"({source.place} + {start * source.shape[1]})", view.room)


def _as_it_lies(writer: Writer, name: str, _: dict[str, Any], inputs: list[Any], __: list[Any]) -> Value:
    return writer.view(name, inputs[0])


TRANSLATORS: dict[str, Translator] = {
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
