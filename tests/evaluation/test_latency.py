"""Latency: what counts, and what is refused."""

import pytest

from spline_lstm.errors import ComparisonError
from spline_lstm.evaluation.latency import measure_latency


def test_warm_up_calls_are_made_and_do_not_count():
    calls = []
    found = measure_latency(lambda: calls.append(1), calls=100, warm_up=7)
    assert len(calls) == 107
    assert found["calls"] == 100
    assert 0 <= found["latency_p50_ms"] <= found["latency_p95_ms"]


def test_a_call_that_grows_slower_is_marked_as_unstable():
    work = iter(range(0, 1_000_000, 500))
    assert not measure_latency(lambda: sum(range(next(work))), calls=200, warm_up=0)["stable"]


def test_too_few_samples_for_a_p95_are_refused():
    with pytest.raises(ComparisonError, match="99 latency samples are too few for a p95") as caught:
        measure_latency(lambda: None, calls=99, warm_up=0)
    assert caught.value.exit_code == 40
