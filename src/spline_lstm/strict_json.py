"""Strict JSON: numbers are finite and fit 64 bits, and nesting is shallow."""

import json
import math
from typing import Any, NoReturn

from spline_lstm.text import shorten

_MOST_DIGITS = 19
"""Digits of an integer that fits 64 bits."""
_DEEPEST = 32
"""Most levels of nesting."""


def parse_json(content: str | bytes) -> Any:
    """Read a JSON value; unlike Python's reader, refuse NaN, infinity, huge numbers and deep nesting.

    Raises:
        ValueError: The content is not valid JSON, is nested too deeply, or holds a number that is too large.

    """
    try:
        value = json.loads(content, parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_int)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON")


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shorten(text)} is too large a number")
    return number


def _parse_int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"an integer of {len(text):,} digits is too large a number")
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        inner = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError("it is nested too deeply")
