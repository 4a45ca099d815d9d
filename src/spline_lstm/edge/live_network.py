"""The live part of a trained network: the layers that affect its output."""

import math
from typing import Any


def is_regression_alone(network: Any) -> bool:
    """Whether the recurrent stack adds nothing to the ridge path: after epoch 0, its last layer is still zero."""
    names = {layer.name for layer in network.layers}
    return {"head", "linear_path"} <= names and not any(
        weight.any() for weight in network.get_layer("head").get_weights()
    )


def make_live_network(network: Any) -> Any:
    """Leave out the recurrent stack if it adds nothing.

    Args:
        network: A trained network.

    Returns:
        The same network, or a new one that holds the regression alone and computes the same.

    """
    if not is_regression_alone(network):
        return network
    config = network.get_config()
    (added,) = (layer["inbound_nodes"] for layer in config["layers"] if layer["name"] == "sum")
    (path,) = (name for name in sources_of(added) if name != "head")
    layers = {layer["name"]: _read_instead(layer, "sum", path) for layer in config["layers"]}
    config = _read_instead(config, "sum", path)
    kept = _reachable(layers, config["output_layers"][0])
    config["layers"] = [layer for name, layer in layers.items() if name in kept]
    live = type(network).from_config(config)
    for layer in live.layers:
        layer.set_weights(network.get_layer(layer.name).get_weights())
    return live


def _read_instead(config: Any, old: str, new: str) -> Any:
    """Return a configuration in which references to the output of layer `old` refer to that of `new`."""
    if isinstance(config, dict):
        return {key: _read_instead(value, old, new) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [new, *config[1:]] if list(config) == [old, 0, 0] else [_read_instead(item, old, new) for item in config]
    return config


def _reachable(layers: dict[str, Any], output: str) -> set[str]:
    """Name the layers that an output is computed from."""
    found, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += sources_of(layers[name]["inbound_nodes"])
    return found


def sources_of(config: Any) -> list[str]:
    """Name the layers whose outputs a configuration refers to."""
    if isinstance(config, list | tuple):
        return [name for item in config for name in sources_of(item)]
    if not isinstance(config, dict):
        return []
    if "keras_history" in config:
        return [config["keras_history"][0]]
    return [name for value in config.values() for name in sources_of(value)]


def count_macs(network: Any) -> int:
    """Count the multiply-accumulates of one forecast, in products with weights and in weighted sums."""
    return sum(_macs_of(layer) for layer in network.layers)


def _macs_of(layer: Any) -> int:
    kernels = [weight for weight in layer.get_weights() if weight.ndim > 1]
    kind = type(layer).__name__
    if kind == "Dense":
        return int(kernels[0].size * math.prod(layer.output.shape[1:-1]))
    if kind in ("LSTM", "GRU"):
        return int(kernels[0].size + kernels[1].size) * int(layer.input.shape[1])
    return int(math.prod(layer.input[1].shape[1:])) if kind == "Dot" else 0
