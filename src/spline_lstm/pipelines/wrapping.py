"""Nodes of one pipeline that another pipeline repeats."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from kedro.pipeline import Node

_OWN = __name__.partition(".")[0]
_repetition: ContextVar[str] = ContextVar("repetition", default="")


def wrap_node(node: Node, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Node:
    """Return the node with its function wrapped; inputs, outputs and name stay."""
    outputs = list(node.outputs)
    return Node(wrap(node.func), node.inputs, outputs if len(outputs) > 1 else outputs[0], name=node.name)


@contextmanager
def logging_as(name: str) -> Iterator[None]:
    """Let the project's log lines begin with a name, because repetitions of a node log the same lines."""
    _let_lines_have_names()
    token = _repetition.set(name)
    try:
        yield
    finally:
        _repetition.reset(token)


@functools.cache
def _let_lines_have_names() -> None:
    """Make log records that know the name, once in this process, because nodes may run in several threads."""
    make = logging.getLogRecordFactory()

    def make_named(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        name = _repetition.get()
        if name and record.name.startswith(_OWN):
            record.msg = f"{name}: {record.msg}"
        return record

    logging.setLogRecordFactory(make_named)
