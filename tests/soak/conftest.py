"""The long tests: `make soak` runs them and writes what it saw to `docs/soak.md`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

RESULT = Path(__file__).parents[2] / "docs" / "soak.md"
HEADER = """# The long tests

Written by `make soak`; each row is the last run of that test.

| what | how often | what was seen | seconds | on |
|---|---:|---|---:|---|
"""
_rows: dict[str, str] = {}
_leakage: dict[str, tuple[bool, float]] = {}


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[Callable[[str, int, str], None]]:
    """Note what was seen: `note(what, how_often, what_was_seen)`. A test that fails leaves no row behind."""
    started = time.monotonic()

    def write(what: str, count: int, seen: str) -> None:
        _rows[what] = _row(what, f"{count:,}", seen, time.monotonic() - started)

    return write


def _row(what: str, count: str, seen: str, seconds: float) -> str:
    return f"| {what} | {count} | {seen} | {seconds:,.0f} | {time.strftime('%Y-%m-%d')} |"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and "test_leakage" in report.nodeid:
        _leakage[report.nodeid] = (report.passed, report.duration)


def pytest_sessionfinish() -> None:
    from hypothesis import settings

    if _leakage and all(passed for passed, _ in _leakage.values()):
        count = f"{len(_leakage)} x {settings.default.max_examples}"
        seconds = sum(duration for _, duration in _leakage.values())
        _rows["leakage properties, as bit equality"] = _row(
            "leakage properties, as bit equality", count, "no leak", seconds
        )
    if not _rows:
        return
    earlier = RESULT.read_text().splitlines() if RESULT.exists() else []
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in earlier if line.startswith("| ")}
    kept.pop("what", None)
    RESULT.write_text(HEADER + "\n".join((kept | _rows).values()) + "\n")
