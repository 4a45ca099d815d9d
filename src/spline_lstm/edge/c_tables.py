"""Tables of a C forecaster: the columns of its ring buffer, scaling, ages, codes, intervals and weights."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from spline_lstm.edge.contract import EdgeContract, lag_of

_CALENDAR = re.compile(r"((minute|hour|dow|month|year)_(sin|cos)|is_weekend)(_lead\d+)?")


class Columns:
    """The columns of a row of the ring buffer: the inputs of a step, then its calendar, all scaled.

    Attributes:
        inputs: Targets and covariates, in the order of `model_push`.
        calendar: Calendar features.
        codes: Features of the codes of static covariates, which are not columns.
        place: Feature to its column, or to -1 - the place of its code.
        behind: Feature to the additional steps before its age: more than 0 for lags.
        ahead: Steps by which the calendar is ahead.

    """

    def __init__(self, contract: EdgeContract) -> None:
        """Sort the features of a contract."""
        targets, names = contract.target_names, contract.feature_order
        lags = {name: lag for name in names if (lag := lag_of(name, targets)) is not None}
        self.codes = [name for columns in contract.static_columns.values() for name in columns]
        known = [name for name in names if name not in {*targets, *lags, *self.codes}]
        self.calendar = [name for name in known if _CALENDAR.fullmatch(name) and name not in contract.scalers]
        self.inputs = [*targets, *(name for name in known if name not in self.calendar)]
        self.place = {name: place for place, name in enumerate([*self.inputs, *self.calendar])}
        self.place |= {name: self.place[name[: name.rindex("_lag")]] for name in lags}
        self.place |= {name: -1 - place for place, name in enumerate(self.codes)}
        self.behind = {name: lags.get(name, contract.horizon) - contract.horizon for name in names}
        self.ahead = next((int(name.rpartition("_lead")[2]) for name in self.calendar if "_lead" in name), 0)

    def __len__(self) -> int:
        return len(self.inputs) + len(self.calendar)


def number(value: float, digits: int = 9) -> str:
    """Write a number in C without loss: 9 digits for a float, 17 for a double."""
    text = f"{value:.{digits}g}"
    text = text if any(mark in text for mark in ".e") else f"{text}.0"
    return f"{text}f" if digits == 9 else text


def table(declaration: str, rows: Iterable[str]) -> str:
    """Write a constant table, one row on each line."""
    return f"{declaration} = {{\n    " + ",\n    ".join(rows) + "};"


def weights_table(name: str, values: np.ndarray) -> str:
    """Write weights: float32, or the whole numbers of stored kernels."""
    kind, write = ("float", number) if values.dtype == np.float32 else ("weight", str)
    numbers = [write(value) for value in values.reshape(-1).tolist()]
    rows = (", ".join(numbers[start : start + 8]) for start in range(0, len(numbers), 8))
    return table(f"static const {kind} {name}[{len(numbers)}]", rows)


def _text(value: str) -> str:
    """Write a text in C; bytes other than ASCII letters and digits become octal escapes."""
    plain = "".join(chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\{byte:03o}" for byte in value.encode())
    return f'"{plain}"'


def _row(*cells: str) -> str:
    return "{" + ", ".join(cells) + "}"


def window_tables(contract: EdgeContract, columns: Columns) -> list[str]:
    """Write the source of each value of a window, and the scaling of the inputs."""
    names = contract.feature_order
    patterns = list(dict.fromkeys(tuple(contract.ages[name]) for name in names))
    ages = {name: patterns.index(tuple(contract.ages[name])) for name in names}
    return [
        "/* Of each feature: its column of a row, or -1 - the place of its code; steps before its age; its ages. */",
        table(
            "static const struct {\n    int16_t column;\n    int32_t behind;\n    int16_t ages;\n"
            "} features[MODEL_FEATURES]",
            (_row(str(columns.place[name]), str(columns.behind[name]), str(ages[name])) for name in names),
        ),
        "/* Steps before the origin of the rows, the oldest first. */",
        table("static const int32_t ages[][MODEL_LOOKBACK]", (_row(*map(str, pattern)) for pattern in patterns)),
        "/* Centre and scale of the inputs. */",
        table(
            "static const double input_scaling[MODEL_INPUTS][2]",
            (_row(*(number(part, 17) for part in _scaling(contract, name))) for name in columns.inputs),
        ),
    ]


def _scaling(contract: EdgeContract, name: str) -> tuple[float, float]:
    state = contract.scalers.get(name, {})
    if "categories" in state:  # a rank is divided by the number of ranks
        return 0.0, float(len(state["categories"]) or 1)
    return state.get("center", 0.0), state.get("scale", 1.0)


def interval_tables(contract: EdgeContract) -> list[str]:
    """Write the rule of the prediction intervals and the running errors with which they begin."""
    if not has_intervals(contract):
        return []
    intervals, targets = contract.intervals, list(contract.intervals["targets"].values())
    shares = intervals["probabilities"]
    half_life, size = intervals["half_life"], "[MODEL_HORIZON * MODEL_TARGETS]"
    starts = [_start(target) for target in targets]
    multiples = (
        _row(*(_multiple(value, share) for step in zip(*rows, strict=True) for value in step))
        for share, rows in zip(shares, zip(*(target["multiples"] for target in targets), strict=True), strict=True)
    )
    weight = 0.0 if half_life is None else 1 - 0.5 ** (1 / half_life)
    cycle = intervals.get("cycle") or {"part_seconds": 1, "parts": 1, "step_seconds": 0}
    usual = [_only_state(target).get("usual") or [1.0] for target in targets]
    return [
        f"#define PART_SECONDS {cycle['part_seconds']}",
        f"#define CYCLE_PARTS {cycle['parts']}",
        f"#define STEP_SECONDS {cycle['step_seconds']}",
        table(
            "static const float usual_errors[CYCLE_PARTS][MODEL_TARGETS]",
            [_row(*map(number, part)) for part in zip(*usual, strict=True)],
        ),
        f"#define LEAST_WEIGHT {number(weight)}",
        table("const float model_probabilities[MODEL_PROBABILITIES]", [", ".join(map(number, shares))]),
        table(f"static const float pooled_errors{size}", [_by_step([target["pooled"] for target in targets])]),
        table(f"static const float start_mean{size}", [_by_step([mean for mean, _ in starts])]),
        table(f"static const int32_t start_count{size}", [_by_step([count for _, count in starts], str)]),
        table(f"static const float multiples[MODEL_PROBABILITIES]{size}", multiples),
        table(
            "static const int is_nonnegative[MODEL_TARGETS]",
            [", ".join(str(int(target["nonnegative"])) for target in targets)],
        ),
    ]


def has_intervals(contract: EdgeContract) -> bool:
    """Whether the contract has a rule of prediction intervals."""
    return "targets" in contract.intervals


def _start(target: dict[str, Any]) -> tuple[list[float], list[int]]:
    """Return the running errors that a series begins with."""
    state = _only_state(target)
    return state.get("mean", target["pooled"]), state.get("count", [1] * len(target["pooled"]))


def _only_state(target: dict[str, Any]) -> dict[str, Any]:
    """Return the errors of the only series, or the pooled ones of several series, because flash is small."""
    states = list(target["series"].values())
    return states[0] if len(states) == 1 else {"usual": target.get("usual")}


def _by_step(columns: list[list[Any]], write: Callable[[Any], str] = number) -> str:
    """Write the values of all targets for each step."""
    return ", ".join(write(value) for step in zip(*columns, strict=True) for value in step)


def _multiple(value: float | None, share: float) -> str:
    """Write a multiple; a missing one is infinite, negative below the median."""
    if value is None:
        return "-INFINITY" if share < 0.5 else "INFINITY"
    return number(value)


def series_tables(contract: EdgeContract) -> list[str]:
    """Write the codes of static categories, the range of their forecasts, and the scales of series."""
    tables = []
    for place, (name, codes) in enumerate(contract.static_codes.items()):
        if codes:
            dim = len(contract.static_columns[name])
            declaration = f"static const struct {{\n    const char *label;\n    float code[{dim}];\n}} static_{place}"
            rows = (_row(_text(label), _row(*map(number, code))) for label, code in codes.items())
            tables.append(table(f"{declaration}[{len(codes)}]", rows))
    if contract.target_range:
        rows = (_row(*map(number, limits)) for limits in contract.target_range)
        tables.append(table("static const float target_range[MODEL_TARGETS][2]", rows))
    if contract.series_scalers:
        scales = list(contract.series_scalers.values())
        declaration = (
            "static const struct {\n    const char *name;\n    double scaling[MODEL_TARGETS][2];\n} all_series"
        )
        rows = (
            _row(_text(name), _row(*(_row(*(number(part, 17) for part in of[name])) for of in scales)))
            for name in scales[0]
        )
        tables.append(table(f"{declaration}[MODEL_SERIES]", rows))
    return tables
