"""Texts inside messages: near misses, examples, the first line of another library's error."""

import difflib
from collections.abc import Iterable

_LONGEST = 200


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean '...'?` for the known name closest to `name` in any case, or nothing."""
    spelt = {item.lower(): item for item in known}
    match = difflib.get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f"; did you mean '{spelt[match[0]]}'?" if match else ""


def examples(values: Iterable[object], limit: int = 5) -> str:
    """List values for a message, at most `limit` of them.

    >>> examples(range(7))
    '0, 1, 2, 3, 4 and 2 more'
    """
    texts = [str(value) for value in values]
    rest = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {rest} more" if rest > 0 else "")


def first_line(error: object) -> str:
    """Return the first line of an error's text, at most 200 characters of it."""
    return str(error).strip().partition("\n")[0][:_LONGEST]
