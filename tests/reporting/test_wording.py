"""The words that all reports share."""

from typing import Any

from spline_lstm.evaluation.differences import Difference
from spline_lstm.reporting.wording import against, interval_of, one_line, verdict


def make_metrics(model: dict[str, float], **baselines: dict[str, float]) -> dict[str, Any]:
    """Metrics of some targets, each with its RMSE, in degrees."""

    def scores(rmse: dict[str, float]) -> dict[str, Any]:
        return {"per_target": {name: {"rmse": value} for name, value in rmse.items()}}

    return {
        "units": dict.fromkeys(model, "°F"),
        "test": {"model": scores(model), "baselines": {name: scores(rmse) for name, rmse in baselines.items()}},
    }


def of_one_target(model: float, ridge: float) -> dict[str, Any]:
    return make_metrics({"target": model}, ridge={"target": ridge}, last_value={"target": 9.0})


def test_the_line_says_how_far_the_model_is_below_the_strongest_baseline() -> None:
    assert one_line(of_one_target(0.75, 1)) == "Test RMSE 0.75 °F, 25.0% below the strongest baseline (ridge, 1)"


def test_the_line_says_how_far_the_model_is_above_the_strongest_baseline() -> None:
    assert one_line(of_one_target(0.3, 0.2)) == "Test RMSE 0.3 °F, 50.0% above the strongest baseline (ridge, 0.2)"


def test_a_baseline_without_error_has_no_percentage() -> None:
    assert one_line(of_one_target(1, 0)) == "Test RMSE 1 °F, above the strongest baseline (ridge, 0)"


def test_over_several_targets_a_large_one_does_not_decide() -> None:
    metrics = make_metrics({"share": 0.5, "count": 1_002.0}, ridge={"share": 1.0, "count": 1_000.0})
    assert one_line(metrics) == ("Test RMSE, geometric mean over 2 targets: 29.2% below the strongest baseline (ridge)")
    assert verdict(metrics) == "The model beats every baseline. It loses on count (0.2% above ridge)."


def test_the_verdict_over_several_targets_does_not_depend_on_their_units() -> None:
    metrics = make_metrics({"share": 0.5, "count": 1.002}, ridge={"share": 1.0, "count": 1.0})
    assert verdict(metrics) == "The model beats every baseline. It loses on count (0.2% above ridge)."


def test_a_target_without_observed_test_values_does_not_count() -> None:
    nothing: Any = None
    metrics = make_metrics({"target": 0.5, "other": nothing}, ridge={"target": 1.0, "other": nothing})
    assert verdict(metrics) == "The model beats every baseline."


def test_what_differs_by_less_than_a_twentieth_of_a_percent_is_level() -> None:
    assert against(Difference(5.789 / 5.788)) == "level with"
    assert against(Difference(5.78 / 5.788)) == "0.1% below"
    assert verdict(of_one_target(5.789, 5.788)) == "The model is not clearly better than ridge."


def test_a_difference_that_may_be_chance_is_level() -> None:
    assert against(Difference(0.9, 0.8, 1.01)) == "level with"
    assert against(Difference(0.9, 0.8, 0.99)) == "10.0% below"
    assert against(Difference(1.1, 1.01, 1.2)) == "10.0% above"


def test_the_interval_of_a_difference_is_in_percent() -> None:
    assert interval_of(Difference(0.98, 0.969, 1.004)) == "-3.1% to +0.4%"
    assert interval_of(Difference(0.98)) == "–"
