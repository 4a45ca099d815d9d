"""Names of months in other languages than English."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# English, German, French, Spanish, Italian, Dutch and Portuguese, without accents.
_NAMES = {
    "Jan": "january januar janvier enero gennaio januari janeiro",
    "Feb": "february februar fevrier febrero febbraio februari fevereiro",
    "Mar": "march marz mars marzo maart mrt marco",
    "Apr": "april avril abril aprile",
    "May": "may mai mayo maggio mei maio",
    "Jun": "june juni juin junio giugno junho",
    "Jul": "july juli juillet julio luglio julho",
    "Aug": "august aout agosto augustus",
    "Sep": "september septembre septiembre setiembre settembre setembro",
    "Oct": "october oktober octobre octubre ottobre outubro",
    "Nov": "november novembre noviembre novembro",
    "Dec": "december dezember decembre diciembre dicembre dezembro",
}
_WORD = re.compile(r"[^\W\d_]{3,}\.?")
_SHORTEST = 3


def in_english(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return cells with the names of months, whole or abbreviated, as English abbreviates them."""
    worded = cells.str.contains(_WORD).to_numpy(dtype=bool)
    return cells.mask(worded, cells[worded].map(_translated)) if worded.any() else cells


def _translated(cell: str) -> str:
    return _WORD.sub(lambda word: _one(word[0]), unicodedata.normalize("NFC", cell))


def _one(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.rstrip(".").lower()).encode("ascii", "ignore").decode()
    if len(plain) < _SHORTEST or _is_english(word):
        return word
    found = [month for month, names in _NAMES.items() if any(name.startswith(plain) for name in names.split())]
    return found[0] if len(found) == 1 else word


def _is_english(word: str) -> bool:
    """Tell whether a word is a month as English writes it, whole or with three letters."""
    return any(word.lower() in (names.split()[0], month.lower()) for month, names in _NAMES.items())
