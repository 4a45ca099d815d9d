"""`preprocessor.pkl`: a plain dict of builtins; reading it never imports anything."""

import io
import itertools
import math
import pickle
import pickletools
from collections.abc import Iterator, Mapping
from typing import Any

from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.text import first_line

PREPROCESSOR_FILE = "preprocessor.pkl"
_PLAIN = (dict, list, tuple, str, int, float, bool)
_DEEPEST = 32
"""Deepest nesting of a preprocessor."""
_MOST_TIMES = 4
"""Most values for each byte of the file."""


def dump_preprocessor(state: Mapping[str, Any]) -> bytes:
    """Return the bytes of the file; equal preprocessors give equal bytes."""
    return pickle.dumps(state, protocol=4)


def _check_memo(content: bytes) -> None:
    """Refuse a pickle that numbers an object beyond its own length: the unpickler reserves memory up to that number."""
    numbers = (number for code, number, _ in pickletools.genops(content) if code.name.endswith("PUT"))
    if any(int(number or 0) > len(content) for number in numbers):
        raise pickle.UnpicklingError("it numbers more objects than it can hold")


def _check_plain(state: Any, length: int) -> None:
    """Refuse values that no preprocessor holds, and shared values that would unfold to any size."""
    level, most = [state], _MOST_TIMES * length
    for _ in range(_DEEPEST):
        for item in level:
            _check_plain_value(item)
        inner = itertools.chain.from_iterable(_inside(item) for item in level)
        level = list(itertools.islice(inner, most + 1))
        if len(level) > most:
            raise pickle.UnpicklingError("it unfolds to far more than its own size")
        if not level:
            return
    raise pickle.UnpicklingError("it is nested too deeply")


def _check_plain_value(item: Any) -> None:
    if isinstance(item, float) and not math.isfinite(item):
        raise pickle.UnpicklingError(f"it holds {item}")
    if isinstance(item, int) and item.bit_length() > 63:
        raise pickle.UnpicklingError("it holds too large an integer")
    if item is not None and type(item) not in _PLAIN:
        raise pickle.UnpicklingError(f"it holds a {type(item).__name__}")


def _inside(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        return itertools.chain(item.keys(), item.values())
    return iter(item if isinstance(item, list | tuple) else ())


class _NoImports(pickle.Unpickler):
    """An unpickler with an empty allow-list: nothing is ever imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it names {module}.{name}, and nothing may be imported")


def load_preprocessor(content: bytes, source: str) -> dict[str, Any]:
    """Read a `preprocessor.pkl`: a plain dict of builtins.

    Args:
        content: The file's bytes.
        source: Its name, for messages.

    Raises:
        ArtifactDamagedError: The file is damaged, or names anything to import.

    """
    try:
        _check_memo(content)
        state = _NoImports(io.BytesIO(content)).load()
        _check_plain(state, len(content))
    except Exception as error:  # damaged pickles raise almost any exception
        raise ArtifactDamagedError(f"{source} is damaged: {first_line(error)}; run the preprocessing again") from None
    if not isinstance(state, dict):
        raise ArtifactDamagedError(f"{source} holds a {type(state).__name__}, not a dict; run the preprocessing again")
    return state
