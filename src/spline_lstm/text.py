"""Texts for messages: similar names, examples, the first line of another library's error."""

import difflib
import re
import reprlib
from collections.abc import Iterable

_LONGEST = 200
_SECRETS = "sig|token|secret|passw|pwd|key|credential|auth"
"""Patterns in the names of secrets in signed addresses."""
_NAMED = ("abfs", "abfss", "az", "oci", "sftp", "ssh")
"""Protocols whose addresses name a container or a user before the host; neither is secret."""
_SIGNED_IN = rf"(?<=://)(?:{''.join(f'(?<!{name}://)' for name in _NAMED)}[^/\s]+@|[^/\s]*:[^/\s]*@)"


class _Short(reprlib.Repr):
    """Python's `repr` of a value, cut while it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = _LONGEST
        self.maxlevel = 3

    def repr_int(self, value: int, level: int) -> str:
        """Return an integer's digits; Python refuses to convert a very long integer to text."""
        return super().repr_int(value, level) if value.bit_length() < _LONGEST else "a very long integer"


_SHORT = _Short()


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
    texts = [printable(str(value)) for value in values]
    rest = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {rest} more" if rest > 0 else "")


def shorten(value: object, limit: int = 60) -> str:
    """Return Python's `repr` of any value, cut to `limit` characters.

    >>> shorten([1, "two"]), shorten("x" * 100, limit=9)
    ("[1, 'two']", "'xxxxxxx…")
    """
    return cut(_SHORT.repr(value), limit)


def cut(text: str, limit: int) -> str:
    """Return a text, cut to `limit` characters.

    >>> cut("gru-univariate", 6), cut("gru", 6)
    ('gru-u…', 'gru')
    """
    return text if len(text) <= limit else text[: limit - 1] + "…"


def quoted(names: Iterable[str]) -> str:
    """List names in quotes.

    >>> quoted(["year", "month"])
    "'year', 'month'"
    """
    return ", ".join(f"'{name}'" for name in names)


def printable(text: str) -> str:
    """Replace control characters, which a terminal would obey, by question marks.

    >>> printable("a" + chr(27) + "[2Jb")
    'a?[2Jb'
    """
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)


def without_secrets(text: str) -> str:
    """Hide the credentials of an address: the text before its host, and the query after `?`.

    >>> without_secrets("https://me:secret@host/table.csv?sig=secret&v=2")
    'https://***@host/table.csv?***'
    >>> without_secrets("abfs://container@account.dfs.core.windows.net/table.csv")
    'abfs://container@account.dfs.core.windows.net/table.csv'
    """
    return re.sub(r"(://[^\s?#]*)[?#][^\s]*", r"\1?***", re.sub(_SIGNED_IN, "***@", text))


def holds_secret(text: str) -> bool:
    """Tell whether an address holds a possible password, before its host or after a `?`.

    >>> holds_secret("https://host/table.csv?sv=2024&sig=abc"), holds_secret("https://host/table.csv?version=2")
    (True, False)
    """
    return bool(
        re.search(_SIGNED_IN, text) or re.search(rf"://.*[?&#;](?:[\w.-]*(?:{_SECRETS})[\w.-]*)=", text, re.IGNORECASE)
    )


def significant(value: float) -> str:
    """Return a number with four significant digits, and without an exponent for usual sizes.

    >>> significant(123456.7), significant(0.0123456)
    ('123457', '0.01235')
    """
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def first_line(error: object) -> str:
    """Return the first line of an error's text, cut to 200 characters and without control characters."""
    return printable(str(error).strip().partition("\n")[0][:_LONGEST])


def time_left(seconds: float) -> str:
    """Say roughly how long something still takes.

    >>> time_left(20), time_left(80), time_left(300), time_left(9000)
    ('under a minute left', 'about 1 minute left', 'about 5 minutes left', 'about 2.5 hours left')
    """
    minutes = round(seconds / 60)
    if minutes >= 100:
        return f"about {seconds / 3600:.2g} hours left"
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left" if minutes else "under a minute left"
