"""What `intervals.json` may hold, and the bounds that follow from it."""

import copy
from typing import Any

import numpy as np
import pytest

from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.evaluation.quantiles import make_bounds, probabilities_of

FILE: dict[str, Any] = {
    "run_id": "r", "processed_run_id": "p", "model_sha256": "0", "interval_method": "adaptive", "windows": 9,
    "half_life": 48, "levels": [0.8], "quantiles": [0.5], "probabilities": [0.1, 0.5, 0.9],
    "targets": {
        "target": {
            "nonnegative": True, "pooled": [1.0, 2.0], "multiples": [[-1.0, None], [0.5, 0.5], [3.0, 3.0]],
            "series": {"a": {"mean": [1.0, 4.0], "count": [7, 5]}},
        }
    },
}  # fmt: skip


def parse(content: dict[str, Any]) -> Intervals:
    return Intervals.parse(content, ArtifactDamagedError, "intervals.json: key")


def test_ends_of_levels_and_quantiles_that_are_the_same_are_one() -> None:
    assert probabilities_of((0.8, 0.95), (0.1, 0.5, 0.9)) == (0.025, 0.1, 0.5, 0.9, 0.975)


def test_bounds_are_multiples_of_the_running_error() -> None:
    intervals = parse(FILE)
    running, _ = intervals.running(("a",))
    spread = intervals.rule.spread(running.mean, np.array([[10.0]]))
    bounds = make_bounds(intervals.rule, np.full((1, 2, 1), 100.0), spread, levels=(0.8,), quantiles=(0.5,))
    assert {name: values.ravel().tolist() for name, values in bounds.items()} == {
        "lower_80": [90, 0], "upper_80": [130, 220], "q50": [105, 120],
    }  # fmt: skip


def test_a_running_error_that_shrinks_to_nothing_leaves_some_width() -> None:
    assert parse(FILE).rule.spread(np.zeros((1, 2, 1)), np.ones((1, 1))).ravel().tolist() == [0.001, 0.002]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("half_life",), 0, "'half_life' is 0"),
        (("half_life",), 1.5, "'half_life' is 1.5"),
        (("levels",), [1.2], "'levels' is"),
        (("interval_method",), "other", "'interval_method' is 'other'"),
        (("extra",), 1, "'extra' is unknown"),
        (("probabilities",), [0.1, 0.9], "its probabilities are not those of its levels and quantiles"),
        (("targets", "target", "pooled"), [1.0, float("nan")], "'targets.target.pooled.1' is nan"),
        (("targets", "target", "pooled"), [1.0, 0.0], "'targets.target.pooled.1' is 0.0"),
        (("targets", "target", "pooled"), [1.0], "the lists of target 'target' are not as long"),
        (("targets", "target", "multiples"), [[1.0, 1.0]] * 2, "the lists of target 'target' are not as long"),
        (("targets", "target", "multiples"), [["1", 1.0]] * 3, "'targets.target.multiples.0.0' is '1'"),
        (("targets", "target", "series", "a", "mean"), [1.0, -1.0], "mean.1' is -1.0"),
        (("targets", "target", "series", "a", "count"), [0, 1], "count.0' is 0"),
        (("targets", "target", "series", "a", "count"), [1], "the lists of target 'target' are not as long"),
        (("targets",), {}, "'targets' is {}"),
    ],
)
def test_a_file_that_was_not_written_like_this_is_refused(
    path: tuple[str, ...], value: Any, told: str, refuses: Any
) -> None:
    content = copy.deepcopy(FILE)
    inner = content
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    with refuses(ArtifactDamagedError, 21, "intervals.json", told):
        parse(content)
