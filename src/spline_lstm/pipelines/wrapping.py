"""Nodes of one pipeline that another one repeats."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node


def wrap_node(node: Node, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Node:
    """Return the node with its function wrapped; inputs, outputs and name stay."""
    outputs = list(node.outputs)
    return Node(wrap(node.func), node.inputs, outputs if len(outputs) > 1 else outputs[0], name=node.name)
