"""Names of months in other languages than English."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL = re.compile(
    r"january|february|march|april|may|june|july|august|september|october|november|december", re.IGNORECASE
)
# How the names begin in German, French, Spanish, Italian, Dutch and Portuguese, without accents.
_BEGINNINGS = {
    "janv": "Jan", "janu": "Jan", "jane": "Jan", "gen": "Jan", "ene": "Jan",
    "fev": "Feb", "feb": "Feb", "mar": "Mar", "maa": "Mar", "mrt": "Mar", "avr": "Apr", "abr": "Apr", "apr": "Apr",
    "mai": "May", "may": "May", "mag": "May", "mei": "May", "juin": "Jun", "jun": "Jun", "giu": "Jun",
    "juil": "Jul", "jul": "Jul", "lug": "Jul", "aou": "Aug", "aug": "Aug", "ago": "Aug", "sep": "Sep", "set": "Sep",
    "oct": "Oct", "okt": "Oct", "ott": "Oct", "out": "Oct", "nov": "Nov", "dec": "Dec", "dez": "Dec", "dic": "Dec",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]{3,}\.?")


def in_english(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return cells with the names of months as English abbreviates them; English names stay as they are."""
    worded = cells.str.contains(_WORD).to_numpy(dtype=bool)
    return cells.mask(worded, cells[worded].map(_translated)) if worded.any() else cells


def _translated(cell: str) -> str:
    return _WORD.sub(lambda word: _one(word[0]), cell)


def _one(word: str) -> str:
    if word in _ENGLISH or _FULL.fullmatch(word):
        return word
    plain = unicodedata.normalize("NFKD", word.rstrip(".").lower()).encode("ascii", "ignore").decode()
    if plain.title() in _ENGLISH:
        return plain.title()
    return next((month for beginning, month in _BEGINNINGS.items() if plain.startswith(beginning)), word)
