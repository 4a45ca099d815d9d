"""The base of all settings: typed and frozen; a wrong value raises a one-line error."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)

from spline_lstm.errors import SplineLSTMError
from spline_lstm.text import examples, nearest, shorten

HIDDEN = "hidden"
"""Type of a finding whose value must not appear in the message."""


class Spec(BaseModel):
    """Frozen settings without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    def part(self, spec: type["SpecType"]) -> "SpecType":
        """Return the fields of this object that `spec` has, as a `spec`."""
        return spec(**{name: getattr(self, name) for name in spec.model_fields})

    @classmethod
    def parse(cls, values: Any, error: type[SplineLSTMError], subject: str) -> Self:
        """Build the settings from plain values.

        Args:
            values: A mapping from YAML or JSON.
            error: The class to raise when a value does not fit.
            subject: Word for a key in the message, for example `parameter`.

        Raises:
            SplineLSTMError: Of class `error`; names the key, the value found and what is allowed.

        """
        try:
            return cls.model_validate(values)
        except ValidationError as invalid:
            raise error(_explain(invalid, cls, subject)) from None


SpecType = TypeVar("SpecType", bound=Spec)


def _explain(invalid: ValidationError, spec: type[BaseModel], subject: str) -> str:
    """Describe the first finding. Unknown keys come first, because they explain most others."""
    findings = sorted(invalid.errors(), key=lambda item: item["type"] != "extra_forbidden")
    finding = findings[0]
    if finding["type"] == "extra_forbidden":
        known = _known_names(spec, finding["loc"][:-1])
        path = ".".join(str(part) for part in finding["loc"])
        return (
            f"{subject} '{path}' is unknown{_meant(str(finding['loc'][-1]), known, spec)}; known: {examples(known, 12)}"
        )
    path = _path(finding)
    if finding["type"] == "missing":
        return f"{subject} '{path}' is missing"
    # A field of several types has one finding for each type.
    text = " or ".join(dict.fromkeys(_text(item) for item in findings if _path(item) == path))
    if not path:
        return f"{subject.rpartition(': ')[0] or subject}: {text}"
    if finding["type"] == HIDDEN:
        return f"{subject} '{path}' {text}"
    hint = ""
    if finding["type"] == "literal_error":
        hint = nearest(str(finding["input"]), re.findall(r"'([^']*)'", finding["ctx"]["expected"]))
    return f"{subject} '{path}' is {shorten(finding['input'])}; {text}{hint}"


def _meant(name: str, known: list[str], spec: type[BaseModel]) -> str:
    """Suggest the intended field: one of this name in a group, or a similar name."""
    groups = (group for group, field in spec.model_fields.items() if name in _fields_of(field.annotation))
    group = next(groups, None)
    return f"; did you mean '{group}.{name}'?" if group else nearest(name, known)


def _fields_of(annotation: Any) -> Collection[str]:
    return getattr(annotation, "model_fields", ())


def _path(finding: Any) -> str:
    """Name the field. Parts such as `constrained-int` name a type and are left out."""
    return ".".join(str(part) for part in finding["loc"] if isinstance(part, int) or part.isidentifier())


_WORDS = {
    r"^Value error, ": "",
    r"^(Input|Value|String) should": "it should",
    r" after validation, not \d+$": "",
    r"valid tuple": "valid list",
    r"valid dictionary or instance of \w+": "valid object",
}
"""Pydantic's phrases in this project's words."""


def _text(finding: Any) -> str:
    text = str(finding["msg"])
    for phrase, words in _WORDS.items():
        text = re.sub(phrase, words, text)
    return text


def _known_names(spec: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    """Return the field names of the model at `path` inside `spec`."""
    for part in path:
        if isinstance(part, int):
            continue
        annotation = spec.model_fields[part].annotation
        nested = [annotation, *getattr(annotation, "__args__", ())]
        spec = next(kind for kind in nested if isinstance(kind, type) and issubclass(kind, BaseModel))
    return list(spec.model_fields)


def split_names(value: object) -> object:
    """Accept YAML lists, and `a+b` from the command line, where Kedro splits at commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in re.split(r"[+,]", value))
    return value


def split_numbers(value: object) -> object:
    """Accept YAML lists, `64+32`, and a single number."""
    if isinstance(value, str):
        try:
            # The + of an exponent does not separate numbers: 1e+3 is one number.
            parts = re.split(r"(?<![eE])\+", value)
            return tuple(float(part) if re.search(r"[.eE]", part) else int(part) for part in parts)
        except ValueError:
            raise ValueError("numbers joined by + are needed") from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value,)
    return value


def _check_distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for position, name in enumerate(names):
        if not name:
            raise ValueError("a name is empty")
        if name in names[:position]:
            raise ValueError(f"'{name}' is given twice")
    return names


StrictInt = Annotated[int, Strict()]
StrictFloat = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict(), Field(min_length=1)]
Name = Annotated[str, Strict()]
Names = Annotated[tuple[Name, ...], BeforeValidator(split_names), AfterValidator(_check_distinct)]
Integers = Annotated[tuple[StrictInt, ...], BeforeValidator(split_numbers)]
Floats = Annotated[tuple[StrictFloat, ...], BeforeValidator(split_numbers)]
