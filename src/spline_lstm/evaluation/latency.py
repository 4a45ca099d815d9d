"""The latency of one inference, measured while nothing else runs."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spline_lstm.errors import ComparisonError

_BLOCKS = 5
_STABLE = 1.3
"""Largest ratio between the medians of the fifths of a measurement that counts as stable."""
_ENOUGH_FOR_P95 = 100


def measure_latency(call: Callable[[], Any], *, calls: int, warm_up: int) -> dict[str, Any]:
    """Time single calls.

    Args:
        call: One inference.
        calls: Number of measured calls.
        warm_up: Number of calls before them.

    Returns:
        `latency_p50_ms`, `latency_p95_ms`, `calls`, and `stable`: whether the medians of the fifths of
        the measurement lie within a factor of 1.3 of one another.

    Raises:
        ComparisonError: Too few calls for a 95th percentile.

    """
    if calls < _ENOUGH_FOR_P95:
        raise ComparisonError(f"{calls} latency samples are too few for a p95; at least {_ENOUGH_FOR_P95} are needed")
    for _ in range(warm_up):
        call()
    nanoseconds = np.empty(calls)
    for sample in range(calls):
        started = time.perf_counter_ns()
        call()
        nanoseconds[sample] = time.perf_counter_ns() - started
    medians = [float(np.median(block)) for block in np.array_split(nanoseconds, _BLOCKS)]
    p50, p95 = np.percentile(nanoseconds, [50, 95]) / 1e6
    return {
        "latency_p50_ms": float(p50),
        "latency_p95_ms": float(p95),
        "calls": calls,
        "stable": max(medians) <= _STABLE * min(medians),
    }
