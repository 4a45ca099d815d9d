"""Whether one forecast is better than another, or whether that may be chance."""

from typing import Any

import numpy as np
import pytest

from spline_lstm.evaluation.differences import block_errors, compare, draw_difference, make_blocks
from spline_lstm.series.model_input import ModelInput

RANDOM = np.random.default_rng(0)


def blocks_of(counts: Any) -> dict[str, Any]:
    return {"shape": list(counts.shape), "steps": 3, "counts": counts.ravel().tolist()}


def test_a_difference_within_the_noise_of_the_blocks_is_level() -> None:
    errors = 1 + RANDOM.random((1, 30, 1))
    others = errors * (1 + 0.3 * RANDOM.normal(size=errors.shape))
    found = draw_difference(1.001, errors, others, blocks_of(np.ones((1, 30, 1))))
    assert found.is_level
    assert found.low < 1 < found.high  # type: ignore[operator]


def test_a_small_difference_in_every_block_is_none_of_chance() -> None:
    errors = 1 + RANDOM.random((1, 30, 1))
    found = draw_difference(0.99, 0.98 * errors, errors, blocks_of(np.ones((1, 30, 1))))
    assert not found.is_level
    assert found.high == pytest.approx(np.sqrt(0.98))


def test_more_comparisons_make_wider_intervals() -> None:
    errors, others = 1 + RANDOM.random((2, 1, 30, 1))
    one, many = (
        draw_difference(1.0, errors, others, blocks_of(np.ones((1, 30, 1))), comparisons=count) for count in (1, 20)
    )
    assert many.low < one.low  # type: ignore[operator]
    assert many.high > one.high  # type: ignore[operator]


def test_few_blocks_of_time_are_made_up_for_by_many_series() -> None:
    errors = 1 + RANDOM.random((8, 2, 1))
    found = draw_difference(0.9, 0.81 * errors, errors, blocks_of(np.ones((8, 2, 1))))
    assert found.high == pytest.approx(0.9)


def test_with_few_blocks_and_series_nothing_is_tested() -> None:
    errors = np.ones((3, 4, 1))
    found = draw_difference(0.9, errors, errors, blocks_of(errors))
    assert (found.ratio, found.low, found.high) == (0.9, None, None)


def test_blocks_and_targets_without_observed_values_do_not_count() -> None:
    counts = np.ones((1, 30, 2))
    counts[:, 20:] = counts[:, :, 1] = 0
    errors = counts * (1 + RANDOM.random(counts.shape))
    found = draw_difference(0.9, 0.81 * errors, errors, blocks_of(counts))
    assert found.high == pytest.approx(0.9)


def test_the_same_differences_give_the_same_interval() -> None:
    errors, others = 1 + RANDOM.random((2, 1, 30, 1))
    assert len({draw_difference(1.0, errors, others, blocks_of(np.ones((1, 30, 1)))) for _ in range(2)}) == 1


def test_blocks_add_up_to_the_squared_errors_of_all_windows(two_targets: ModelInput) -> None:
    windows = two_targets.windows_of(2)
    truth, mask = two_targets.truth(windows)
    made = truth + RANDOM.normal(size=truth.shape)
    blocks = make_blocks(two_targets, windows, {"model": made})
    assert blocks["shape"][2] == 2
    assert blocks["steps"] >= two_targets.horizon
    expected = np.where(mask, np.square(made - truth), 0).sum(axis=(0, 1))
    np.testing.assert_allclose(block_errors(blocks, "model").sum(axis=(0, 1)), expected)
    assert sum(blocks["counts"]) == mask.sum()


def test_the_model_is_compared_with_a_baseline_on_the_blocks_of_the_test_part(evaluate_error: Any) -> None:
    test = evaluate_error(1.0, 2.0)["test"]
    assert compare(test, "ridge").ratio == pytest.approx(0.5)
    assert compare(test, "ridge", target=1).ratio == pytest.approx(0.5)
    del test["blocks"]
    assert compare(test, "ridge").low is None
