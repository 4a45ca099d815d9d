"""Mutated tables, schemas and pickles: accepted or refused with a documented code, never anything else.

What is accepted of a table is read once more by Python's own means, which share no code with the project's.
"""

import copy
import csv
import io
import json
import math
import os
import pickle
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kedro.io.core import DatasetError

from spline_lstm.datasets.inputs import TableDataset, read_schema
from spline_lstm.errors import SplineLSTMError
from spline_lstm.project.parameters import Parameters
from spline_lstm.series import assembly, filled_series, grid
from spline_lstm.series.cells import MISSING_TOKENS
from spline_lstm.series.columns import TableSpec, select_columns
from spline_lstm.series.observations import Observations, make_observations
from spline_lstm.series.preprocessor_file import load_preprocessor
from spline_lstm.series.schema import CovariateSchema
from spline_lstm.series.spline import FillSpec
from spline_lstm.series.splits import make_split_borders
from spline_lstm.series.windows import WindowSpec

MUTATIONS = int(os.environ.get("SOAK_MUTATIONS", "10000"))
many = settings(max_examples=MUTATIONS, deadline=None, database=None, suppress_health_check=list(HealthCheck))
LIMIT_SECONDS = 10
RANDOM = st.randoms(use_true_random=True)
INPUT_CODES = {10, 11, 12, 13, 14, 26}
PIECES = [
    b"", b"\n", b"\r", b",", b'"', b";", b" ", b"\0", b"\xff", b"-", b".", b"e", b"1e400", b"1e31", b"inf", b"nan",
    b"NA", b"None", b"1,5", b"0x10", b"1_000", b"T", b"Z", b"+02:00", b"-00:00", b"2024-01-01", b"2024-02-30",
    b"1677-01-01", b"2262-01-01", b"9999-12-31T23:59:59.999999999Z", "\u0661".encode(), "\u2003".encode(),
    b"\xef\xbb\xbf", b"target", b"timestamp", b"true", b"null", b"NaN", b"[]", b"{}", b"-1", b"1e309",
    b'"name"', b"required", b"\\u0000",
]  # fmt: skip
STRANGE = (
    None, True, -1, 0, 1.5, 10**30, "", "a" * 300, [], {}, [["x"]], {"name": 1}, "target", "timestamp", "station",
)  # fmt: skip


@pytest.fixture(scope="module")
def parameters(make_parameters: Callable[..., Parameters]) -> Parameters:
    return make_parameters(lookback=6, horizon=3, feature_mode="multivariate", static_covariates=["station"])


@pytest.fixture(scope="module")
def table(make_table: Callable[..., pd.DataFrame]) -> bytes:
    made = make_table(steps=60, gaps={"target": [20, 21], "humidity": [5]})
    made["timestamp"] = made["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return made.round(3).to_csv(index=False).encode()


def mutate(content: bytes, random_: random.Random) -> bytes:
    """Change some places: a flipped bit, a piece put in or in place, something left out, moved or doubled."""
    for _ in range(random_.choice((1, 1, 1, 2, 5))):
        at = random_.randrange(len(content) + 1)
        length = random_.choice((0, 1, 1, 3, 10, 50))
        chosen = content[at : at + length]
        kind = random_.randrange(6)
        if kind == 0 and chosen:
            chosen = bytes([chosen[0] ^ 1 << random_.randrange(8)]) + chosen[1:]
        elif kind in (1, 2):
            chosen = random_.choice(PIECES)
        elif kind == 3:
            chosen = b""
        elif kind == 4:
            chosen *= random_.choice((2, 3, 100))
        else:
            other = random_.randrange(len(content) + 1)
            chosen = content[other : other + random_.randrange(60)]
        content = content[:at] + chosen + content[at + length :]
    return content


def mutate_lines(content: bytes, random_: random.Random) -> bytes:
    """Treat lines and cells as what they are: swapped, doubled, left out, emptied, exchanged."""
    lines = content.split(b"\n")
    one, other = (random_.randrange(len(lines)) for _ in range(2))
    kind = random_.randrange(5)
    if kind == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    elif kind == 2:
        del lines[min(one, other) : max(one, other)]
    else:
        cells, others = lines[one].split(b","), lines[other].split(b",")
        cells[random_.randrange(len(cells))] = random_.choice((random_.choice(others), random_.choice(PIECES), b""))
        lines[one] = b",".join(cells)
    return b"\n".join(lines)


@contextmanager
def time_limit() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError(f"more than {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(attempt: Callable[[], Any]) -> tuple[str, Any]:
    """Name of a refusal, or `accepted` with what was made; anything else is raised."""
    try:
        with time_limit():
            return "accepted", attempt()
    except DatasetError as wrapped:
        refusal = wrapped.__cause__
    except SplineLSTMError as error:
        refusal = error
    if not isinstance(refusal, SplineLSTMError) or refusal.exit_code not in INPUT_CODES | {21}:
        raise AssertionError(repr(refusal)) from refusal
    assert refusal.message
    assert "\n" not in refusal.message
    return str(refusal.exit_code), refusal


def prepare(observations: Observations, schema: CovariateSchema, parameters: Parameters) -> Any:
    regular = grid.make_grid(observations, parameters.freq, parameters.max_gap)
    borders = make_split_borders(regular.borders, parameters.split)
    filled = filled_series.fill_series(regular, parameters.part(FillSpec), borders, None)
    spec, windows = parameters.part(TableSpec), parameters.part(WindowSpec)
    return assembly.make_model_input(filled, schema, spec, windows, processed_id="fuzz", model_types=("lstm",))


def in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{name}: {count:,}" for name, count in sorted(counts.items()))


def test_a_mutated_table_is_refused_or_read_as_an_independent_reader_reads_it(
    tmp_path: Path, table: bytes, parameters: Parameters, default_schema: CovariateSchema, note: Any
) -> None:
    path, counts = tmp_path / "table.csv", Counter[str]()

    def observe() -> Observations:
        loaded = TableDataset(filepath=str(path)).load()
        return make_observations(loaded, select_columns(loaded, default_schema, parameters.part(TableSpec)))

    @many
    @given(RANDOM)
    def attempt(random_: random.Random) -> None:
        content = random_.choice((mutate, mutate_lines))(table, random_)
        hypothesis.note(repr(content))
        path.write_bytes(content)
        name, observations = outcome(observe)
        if name == "accepted":
            check_against_independent_reader(content, observations)
            counts["read"] += 1
            name, _ = outcome(lambda: prepare(observations, default_schema, parameters))
        counts[name] += 1

    attempt()
    compared = counts.pop("read")
    note("mutated tables", counts.total(), in_words(counts))
    note("accepted tables against an independent reader", compared, "the same rows, times and values")


def check_against_independent_reader(content: bytes, observations: Observations) -> None:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    names = (*observations.columns.targets, *(item.name for item in observations.columns.dynamic))
    expected = sorted(
        (row["station"].strip(), nanoseconds(row[observations.columns.timestamp].strip()), *numbers(row, names))
        for row in rows
    )
    found = sorted(
        (observations.series_names[series], int(stamp), *(str(value) for value in values.tolist()))
        for series, stamp, values in zip(observations.series, observations.timestamps, observations.values, strict=True)
    )
    assert found == expected


def numbers(row: dict[str, str], names: tuple[str, ...]) -> list[str]:
    cells = [row[name].strip() for name in names]
    return [str(math.nan if cell.lower() in MISSING_TOKENS else float(cell)) for cell in cells]


_TIME = re.compile(
    r"(\d{4})-?(\d\d?)(?:-?(\d\d?))?"
    r"(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?)?"
    r"(?:(Z)|([+-])(\d\d):?(\d\d)?)?"
)


def nanoseconds(text: str) -> int:
    match = _TIME.fullmatch(text)
    assert match, text
    year, month, day, hour, minute, second, fraction, _, sign, ahead_hours, ahead_minutes = match.groups()
    moment = datetime(*(int(part or 1) for part in (year, month, day)), tzinfo=UTC)
    moment += timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
    ahead = timedelta(hours=int(ahead_hours or 0), minutes=int(ahead_minutes or 0))
    moment += ahead if sign == "-" else -ahead
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + int((fraction or "").ljust(9, "0"))


def mutate_json(value: Any, random_: random.Random) -> Any:
    """Change one place of a JSON value: another value, a key more, less or renamed, an entry twice."""
    value = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(value)
    node, key = random_.choice(places)
    kind = random_.randrange(5)
    if kind < 3:
        node[key] = copy.deepcopy(random_.choice((*STRANGE, *(other[place] for other, place in places))))
    elif kind == 3:
        del node[key]
    elif isinstance(node, list):
        node.append(copy.deepcopy(node[key]))
    else:
        node[random_.choice(("name", "dtype", "extra", f"{key}s"))] = node[key]
    return value


def test_a_mutated_schema_is_refused_or_works(
    tmp_path: Path, make_table: Callable[..., pd.DataFrame], parameters: Parameters,
    default_schema: CovariateSchema, note: Any,
) -> None:  # fmt: skip
    path, counts = tmp_path / "schema.json", Counter[str]()
    whole = default_schema.model_dump(mode="json", exclude_none=True)
    whole["static_covariates"][0]["required"] = True
    table = make_table(steps=60)
    spec = parameters.part(TableSpec).model_copy(update={"static_covariates": ()})

    def use() -> Any:
        schema = read_schema(path)
        return prepare(make_observations(table, select_columns(table, schema, spec)), schema, parameters)

    @many
    @given(RANDOM)
    def attempt(random_: random.Random) -> None:
        if random_.random() < 0.5:
            content = mutate(json.dumps(whole).encode(), random_)
        else:
            content = json.dumps(mutate_json(whole, random_)).encode()
        hypothesis.note(repr(content))
        path.write_bytes(content)
        counts[outcome(use)[0]] += 1

    attempt()
    note("mutated schemas", counts.total(), in_words(counts))


def test_a_mutated_pickle_is_refused_or_a_dict(note: Any) -> None:
    state = {"run_id": "x", "scalers": {"target": {"center": 1.5, "scale": 2.0}}, "order": ["a", 1, None, True] * 9}
    counts = Counter[str]()

    @many
    @given(RANDOM)
    def attempt(random_: random.Random) -> None:
        content = mutate(pickle.dumps(state, random_.randrange(pickle.HIGHEST_PROTOCOL + 1)), random_)
        hypothesis.note(repr(content))
        name, loaded = outcome(lambda: load_preprocessor(content, "preprocessor.pkl"))
        assert name != "accepted" or isinstance(loaded, dict)
        counts[name] += 1

    attempt()
    note("mutated pickles", counts.total(), in_words(counts))
