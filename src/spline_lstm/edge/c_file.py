"""A forecaster as one C99 file and its header: the network, and the code that turns steps into windows and back.

The tables come from the contract, the network from `c_network`; everything else is C code in `c/`.
"""

import json
import re
from importlib.resources import files
from typing import Any

from spline_lstm.edge.c_network import write_network
from spline_lstm.edge.c_tables import (
    Columns,
    has_intervals,
    interval_tables,
    series_tables,
    weights_table,
    window_tables,
)
from spline_lstm.edge.c_workspace import CNetwork, CPrecision
from spline_lstm.edge.contract import EdgeContract

_TYPES: dict[CPrecision, str] = {"fp32": "float", "fp16": "int16_t", "int8": "int8_t"}
"""How kernels are stored; 16-bit numbers as their bits, because C99 has no type for them."""
_INCLUDE = re.compile(rb'#include "model[\w.]*\.h"\n')
_CONTRACT = re.compile(r"^contract: (.*)$", re.MULTILINE)


def make_c_files(network: Any, contract: EdgeContract, precision: CPrecision = "fp32") -> dict[str, bytes]:
    """Write a network and its contract as `model.c` and `model.h`, or as `model.int8.c` and its header.

    Raises:
        ExportError: The network has a layer without a translation.

    """
    written, columns = write_network(network, precision), Columns(contract)
    stem = "model" if precision == "fp32" else f"model.{precision}"
    tables = [*window_tables(contract, columns), *interval_tables(contract), *series_tables(contract)]
    weights = (weights_table(name, values) for name, values in written.constants.items())
    parts = {
        "NOTICE": _notice(contract),
        "HEADER": f"{stem}.h",
        "WEIGHT": _TYPES[precision],
        "FULL": _template("full_half.c" if precision == "fp16" else "full.c"),
        "SIZES": _sizes(contract, columns, written),
        "COLUMNS": _describe_columns(contract, columns),
        "INTERVALS": _template("intervals.h") if has_intervals(contract) else "",
        "TIME": _describe_time(contract, columns),
        "CONSTANTS": "\n\n".join([*tables, *weights]),
        "KERNELS": _kernels(written, columns),
        "NETWORK": "\n".join(f"    {line}" for line in written.statements),
        "TEXTS": f"{_template('texts.c')}\n" if contract.series_scalers or any(contract.static_codes.values()) else "",
        "INIT": _init(contract),
        "CALENDAR": _calendar(contract, columns),
        "CLAMP": _CLAMP if contract.target_range else "",
        "FOLLOWING": _template("intervals.c") if has_intervals(contract) else "",
    }
    return {
        name: _fill(_template(template), parts).encode()
        for name, template in ((f"{stem}.c", "forecaster.c"), (f"{stem}.h", "forecaster.h"))
    }


def with_header(source: bytes, header: bytes) -> bytes:
    """Replace the `#include` of the header by the header."""
    return _INCLUDE.sub(lambda _: header, source, count=1)


def contract_in(source: str) -> str | None:
    """Return the contract in the first comment of a C file, or None."""
    found = _CONTRACT.search(source)
    return json.dumps(json.loads(found[1]), sort_keys=True, ensure_ascii=False) if found else None


def _template(name: str) -> str:
    return files("spline_lstm.edge").joinpath("c", name).read_text(encoding="utf-8")


def _fill(template: str, parts: dict[str, str]) -> str:
    """Replace the marks by their parts; a line that becomes empty is left out."""
    filled = re.sub(r"@([A-Z]+)@", lambda mark: parts[mark[1]], template)
    return re.sub(r"\n{3,}", "\n\n", filled)


_SHARES = {
    "minute": "(double)second_of_hour / 3600.0",
    "hour": "(double)second_of_day / 86400.0",
    "dow": "(double)weekday / 7.0",
    "month": "(double)month / 12.0",
    "year": "((double)(days - new_year) + (double)second_of_day / 86400.0) / 365.2425",
}
_BODIES = {
    "second_of_hour": "const int64_t second_of_hour = second_of_day % 3600;",
    "weekday": "const int64_t weekday = ((days + 3) % 7 + 7) % 7;",
    "month": "const int month = month_of(days, 0);",
    "new_year": "int64_t new_year;\n        month_of(days, &new_year);",
}


def _describe_time(contract: EdgeContract, columns: Columns) -> str:
    later = f" {columns.ahead} steps later" if columns.ahead and contract.step_seconds is None else ""
    return f"its time{later}, in seconds since 1970 in UTC."


def _calendar(contract: EdgeContract, columns: Columns) -> str:
    """Write the statements that compute the calendar of a row."""
    if not columns.calendar:
        return ""
    shares = {name: _SHARES.get(name.split("_", 1)[0], "weekday") for name in columns.calendar}
    used = " ".join(shares.values())
    lines = [
        f"const int64_t time = seconds + {round((contract.step_seconds or 0) * columns.ahead)};",
        "const int64_t second_of_day = (time % 86400 + 86400) % 86400;",
        "const int64_t days = (time - second_of_day) / 86400;",
        *(body for word, body in _BODIES.items() if word in used),
    ]
    if not any(word in used for word in ("weekday", "new_year", "month")):
        lines.append("(void)days;")
    for place, (name, share) in enumerate(shares.items(), start=len(columns.inputs)):
        function = "sin" if "_sin" in name else "cos"
        value = f"{function}(6.283185307179586 * ({share}))" if name[:2] != "is" else "(weekday >= 5)"
        lines.append(f"row[{place}] = (float){value};")
    return "\n".join(["    {", *(f"        {line}" for line in lines), "    }"])


def _notice(contract: EdgeContract) -> str:
    # Text without slashes cannot begin or end a comment.
    text = json.dumps(json.loads(contract.to_text()), sort_keys=True).replace("/", "\\u002f")
    return f"/* A forecaster made by Spline-LSTM. Do not edit it: every export makes it anew.\ncontract: {text}\n*/"


def _sizes(contract: EdgeContract, columns: Columns, written: CNetwork) -> str:
    features = len(contract.feature_order)
    sizes = {
        "HORIZON": contract.horizon,
        "TARGETS": len(contract.target_indices),
        "INPUTS": len(columns.inputs),
        "LOOKBACK": contract.lookback,
        "FEATURES": features,
        "WINDOW": contract.lookback * features,
        "STEPS_KEPT": contract.steps_kept,
        "STEPS_NEEDED": contract.steps_needed,
        "MAX_GAP": contract.lookback if contract.max_gap is None else contract.max_gap,
        "COLUMNS": len(columns),
        "CODES": max(1, len(columns.codes)),
        "STATICS": len(contract.static_codes),
        "SERIES": len(next(iter(contract.series_scalers.values()), ())),
        "WORK": written.work,
        "PROBABILITIES": len(contract.intervals.get("probabilities", ())),
    }
    return "\n".join(f"#define MODEL_{name} {value}" for name, value in sizes.items())


def _describe_columns(contract: EdgeContract, columns: Columns) -> str:
    """Write a comment that describes every input."""
    lines = ["/* Inputs of a step, in this order:"]
    for place, name in enumerate(columns.inputs):
        base, _, lead = name.partition("_lead")
        words = f"   {place}: {name}" + (f" ({contract.units[base]})" if base in contract.units else "")
        if lead:
            words += f": the value of {base} {lead} steps after this step"
        if "categories" in contract.scalers.get(name, {}):
            labels = enumerate(contract.scalers[name]["categories"], start=1)
            words += f": 0 if unknown, else one of {', '.join(f'{rank} {label}' for rank, label in labels)}"
        lines.append(words.replace("/", "|"))
    lines += [f"   category {place}: {name}" for place, name in enumerate(contract.static_codes)]
    return "\n".join([*lines, "*/"])


_SERIES = """\
    {
        int s = 0;
        while (s < MODEL_SERIES && !(series && is_text(series, all_series[s].name)))
            s++;
        if (s == MODEL_SERIES)
            return MODEL_UNKNOWN_SERIES;
        for (k = 0; k < MODEL_TARGETS; k++) {
            state->center[k] = all_series[s].scaling[k][0];
            state->scale[k] = all_series[s].scaling[k][1];
        }
    }"""
_STATIC = """\
    {{
        int c = 0;
        const char *label = categories ? categories[{place}] : 0;
        while (c < {count} && !(label && is_text(label, static_{place}[c].label)))
            c++;
        state->unknown |= c == {count};
        for (k = 0; c < {count} && k < {dim}; k++)
            state->codes[{first} + k] = static_{place}[c].code[k];
    }}"""
_CLAMP = """\
            if (state->unknown) {
                *value = *value < target_range[k][0] ? target_range[k][0] : *value;
                *value = *value > target_range[k][1] ? target_range[k][1] : *value;
            }"""


def _init(contract: EdgeContract) -> str:
    parts = [_SERIES] if contract.series_scalers else ["    (void)series;"]
    first = 0
    for place, (name, codes) in enumerate(contract.static_codes.items()):
        dim = len(contract.static_columns[name])
        if codes:
            parts.append(_STATIC.format(count=len(codes), place=place, dim=dim, first=first))
        first += dim
    if not any(contract.static_codes.values()):
        parts.append("    (void)categories;")
    return "\n".join([*parts, "    return MODEL_OK;"])


_NEEDS = {
    "gru_step": ("dense", "sigmoid_all", "tanh_all"),
    "lstm_step": ("dense", "sigmoid_all", "tanh_all"),
    "sigmoid_all": ("tanh_all",),
}


def _kernels(written: CNetwork, columns: Columns) -> str:
    """Take only the functions that are called, in the order of their file: compilers warn of unused ones."""
    used = set(written.kernels) | ({"month_of"} if re.search(r"\b(month|year)_", " ".join(columns.calendar)) else set())
    used |= {name for kernel in used for name in _NEEDS.get(kernel, ())}
    functions = re.split(r"\n(?=/\*|static )", _template("kernels.c"))
    kept, comment = [], ""
    for text in functions:
        name = re.search(r"^static \w+ (\w+)\(", text, re.MULTILINE)
        if name is None:
            comment = f"{text}\n"
            continue
        if name[1] in used:
            kept.append(comment + text.strip("\n"))
        comment = ""
    return "\n\n".join(kept) + "\n"
