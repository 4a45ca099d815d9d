"""The long tests: `make soak` runs them and writes what it saw to `docs/soak.md`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

RESULT = Path(__file__).parents[2] / "docs" / "soak.md"
HEADER = """# Results of the long tests

`make soak` writes this page. Each row is the last run of that test. A number before a colon is an exit code.

| what | how often | what was seen | seconds | on |
|---|---:|---|---:|---|
"""
_rows: dict[str, str] = {}


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[Callable[[str, int, str], None]]:
    """Note what was seen: `note(what, how_often, what_was_seen)`. A test that fails leaves no row behind."""
    started = time.monotonic()

    def write(what: str, count: int, seen: str) -> None:
        _rows[what] = _row(what, f"{count:,}", seen, time.monotonic() - started)

    return write


def _row(what: str, count: str, seen: str, seconds: float) -> str:
    return f"| {what} | {count} | {seen} | {seconds:,.0f} | {time.strftime('%Y-%m-%d')} |"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the rows; the leakage properties lie outside this folder and are known from their reports only."""
    from hypothesis import settings

    reports = [
        (outcome, report)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if "test_leakage" in report.nodeid
    ]
    if reports and all(outcome == "passed" for outcome, _ in reports):
        what, count = "leakage properties, as bit equality", f"{len(reports)} x {settings.default.max_examples}"
        _rows[what] = _row(what, count, "no leak", sum(report.duration for _, report in reports))
    if not _rows:
        return
    earlier = RESULT.read_text().splitlines() if RESULT.exists() else []
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in earlier if line.startswith("| ")}
    kept.pop("what", None)
    RESULT.write_text(HEADER + "\n".join((kept | _rows).values()) + "\n")
