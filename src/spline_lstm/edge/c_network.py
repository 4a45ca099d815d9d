"""A Keras network as C statements for one window.

As in `onnx_graph`, the source is the network's own configuration: one function of `c_layers` translates each kind of
layer, and a layer without one is refused by name. All values share one workspace; the room of a value is free again
after its last use.
"""

from typing import Any

from spline_lstm.edge.c_layers import TRANSLATORS
from spline_lstm.edge.c_workspace import CNetwork, CPrecision, Value, Writer
from spline_lstm.edge.live_network import sources_of
from spline_lstm.edge.onnx_graph import resolve_argument
from spline_lstm.errors import ExportError


def write_network(network: Any, precision: CPrecision = "fp32") -> CNetwork:
    """Write a Keras network in C.

    Args:
        network: A functional network with one input `(batch, lookback, features)` and one output.
        precision: Number format of the stored kernels.

    Raises:
        ExportError: The network has a layer without a translation.

    """
    config = network.get_config()
    shapes = {operation.name: tuple(operation.output.shape[1:]) for operation in network.operations}
    names = [layer["name"] for layer in config["layers"]]
    readers = {name: len(names) if name == config["output_layers"][0] else 0 for name in names}
    for position, layer in enumerate(config["layers"]):
        for name in sources_of(layer["inbound_nodes"]):
            readers[name] = max(readers[name], position)
    writer = Writer(shapes, readers, precision)
    for position, layer in enumerate(config["layers"]):
        writer.position = position
        _translate(writer, network, layer)
    last = writer.values[config["output_layers"][0]]
    writer.loops((last.size,), lambda at: f"forecast[{at[0]}] = {last.place}[{at[0]}];")
    return writer


def _translate(writer: Writer, network: Any, layer: dict[str, Any]) -> None:
    name, kind = layer["name"], layer["class_name"]
    if kind == "InputLayer":
        writer.values[name] = Value(writer.shapes[name], "window")
        return
    translator = TRANSLATORS.get(kind)
    if translator is None:
        raise ExportError(f"layer '{name}' of kind {kind} has no C translation; known: {', '.join(TRANSLATORS)}")
    (call,) = layer["inbound_nodes"]
    arguments = [resolve_argument(writer.values, value) for value in call["args"]]
    weights = network.get_layer(name).get_weights() if layer["module"] == "keras.layers" else []
    writer.values[name] = translator(writer, name, layer["config"], arguments, weights)
