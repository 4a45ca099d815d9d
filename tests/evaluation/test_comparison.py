"""The fair comparison: what is refused, what the rows say, who wins."""

import copy

import pytest

from spline_lstm.errors import ComparisonError
from spline_lstm.evaluation import comparison
from spline_lstm.evaluation.comparison import COLUMNS, CellRecord
from spline_lstm.evaluation.verdicts import (
    EdgeWeights,
    RecommendationWeights,
    find_level,
    make_file_rows,
    make_verdicts,
)
from spline_lstm.reporting.comparison_report import (
    add_reasons,
    make_comparison_pictures,
    make_comparison_report,
    pareto_front,
)

SHARED = {"windows": "a" * 64, "splits": "b" * 64, "targets": "c" * 64, "epochs": 3, "batch_size": 8}


def scores(*rmse: float) -> dict:
    """Scores of one target or several."""
    mean = sum(rmse) / len(rmse)
    overall = {"mae": mean, "mse": mean**2, "rmse": mean, "robust_mape": 1.0, "mase": 0.5, "r2": 0.5}
    targets = {f"target_{number}": {**overall, "rmse": each} for number, each in enumerate(rmse)}
    return {"overall": overall, "per_target": targets, "per_horizon": [{"step": 1, **overall}]}


def record(
    model_type="lstm", mode="univariate", seed=1, *, rmse=2.0, val=None, ridge=3.0, p95=1.0, size=1_000, stable=True
):
    run_id = f"{model_type}-{mode}-s{seed}"
    baselines = {name: scores(ridge if name == "ridge" else 9.0) for name in ("ridge", "seasonal_naive")}
    return CellRecord(
        metrics={
            "run_id": run_id,
            "model_sha256": "d" * 64,
            "test": {"model": scores(rmse), "baselines": baselines},
            "val": {"model": scores(val or rmse), "baselines": baselines},
        },
        run={
            "run_id": run_id, "seed": seed, "settings": {"model_type": model_type, "feature_mode": mode},
            "sha256": {"model.keras": "d" * 64}, "shared": dict(SHARED),
            "size_bytes": size, "params": 10, "train_seconds": 1.0,
        },
        operation={"model_sha256": "d" * 64, "latency_p50_ms": p95 / 2, "latency_p95_ms": p95, "stable": stable},
    )  # fmt: skip


def verdicts(records, *, edge=(0.5, 0.5), recommend=(0.8, 0.2)):
    summary = comparison.summarise(comparison.make_rows(records))
    made = make_verdicts(
        summary, EdgeWeights(p95=edge[0], size=edge[1]), RecommendationWeights(accuracy=recommend[0], edge=recommend[1])
    )
    return add_reasons(made, summary, len(records[0].metrics["test"]["model"]["per_target"]))


def check(records):
    return comparison.check_comparable(records, [record.run_id for record in records])


def test_the_record_of_another_run_in_a_cells_place_is_refused():
    with pytest.raises(ComparisonError, match="cell 'gru-univariate-s1' holds the record of run 'lstm-univariate-s1'"):
        comparison.check_comparable([record()], ["gru-univariate-s1"])


def test_an_undefined_metric_does_not_end_the_comparison():
    undefined = record()
    undefined.metrics["test"]["model"]["overall"]["mase"] = None
    (row,) = comparison.summarise(comparison.make_rows([undefined]))
    assert row["MASE"] is None


def test_cells_that_share_everything_are_comparable():
    assert check([record(), record("gru")]) is None


@pytest.mark.parametrize("field", SHARED)
def test_a_difference_names_the_cell_and_the_field(field):
    other = copy.deepcopy(record("gru"))
    other.run["shared"][field] = "other"
    with pytest.raises(ComparisonError, match=f"cell 'gru-univariate-s1' is not comparable: {field}") as caught:
        check([record(), other])
    assert caught.value.exit_code == 40


@pytest.mark.parametrize(("part", "name"), [("metrics", "metrics"), ("operation", "latency")])
def test_results_of_another_model_file_are_refused(part, name):
    stale = record("gru")
    getattr(stale, part)["model_sha256"] = "e" * 64
    with pytest.raises(ComparisonError, match=f"cell 'gru-univariate-s1': its {name} belong to another model file"):
        check([record(), stale])


def test_other_seeds_for_one_model_type_are_refused():
    with pytest.raises(ComparisonError, match=r"cells of gru, univariate: seeds are \[2\], needed \[1\]"):
        check([record(seed=1), record("gru", seed=2)])


def test_metrics_of_another_run_are_refused():
    wrong = copy.deepcopy(record())
    wrong.metrics["run_id"] = "other"
    with pytest.raises(ComparisonError, match="its metrics belong to run 'other'"):
        check([wrong])


def test_a_record_that_says_nothing_of_what_it_shares_is_refused():
    old = record()
    del old.run["shared"]
    with pytest.raises(ComparisonError, match="made by an earlier version"):
        check([old])


def test_the_table_has_the_columns_in_order():
    assert tuple(comparison.make_table(comparison.make_rows([record()])).columns) == COLUMNS
    assert COLUMNS[:15] == (
        "run_id", "model_type", "data_mode", "seed", "MAE", "MSE", "RMSE", "robust MAPE", "MASE", "R2",
        "p50(ms)", "p95(ms)", "model_size(MB)", "params", "notes",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rmse", "stable", "notes"),
    [
        (2.0, True, ""),
        (3.0, True, "level with ridge"),
        (4.0, True, "loses to ridge"),
        (10.0, True, "loses to ridge; loses to seasonal naive"),
        (2.0, False, "latency unstable"),
    ],
)
def test_what_a_reader_must_know_stands_in_the_notes(rmse, stable, notes):
    (row,) = comparison.make_rows([record(rmse=rmse, stable=stable)])
    assert row["notes"] == notes


def test_the_summary_has_mean_and_spread_over_seeds():
    (row,) = comparison.summarise(comparison.make_rows([record(seed=1, rmse=2.0), record(seed=2, rmse=3.0)]))
    assert (row["RMSE"], row["RMSE spread"], row["seeds"]) == (2.5, 1.0, [1, 2])


def gate(model_type, mode="univariate", **files):
    judged = {
        name: {"format": name, "precision": "fp32", "verdict": "PASS", "latency_p95_ms": 0.03, "size_bytes": 90_000}
        | item
        for name, item in files.items()
    }
    return {"model_type": model_type, "feature_mode": mode, "files": judged}


def test_the_device_winner_is_found_on_the_exported_files_and_not_on_the_keras_models():
    records = [record("lstm", rmse=2.0, p95=0.7), record("gru", rmse=1.98, p95=1.1)]
    assert verdicts(records, recommend=(0.5, 0.5))["recommendation"]["model_type"] == "lstm"
    summary = comparison.summarise(comparison.make_rows(records))
    gates = [gate("lstm", onnx={"size_bytes": 103_000}), gate("gru", onnx={"size_bytes": 84_000})]
    rows = make_file_rows(summary, gates)
    found = make_verdicts(rows, EdgeWeights(p95=0.5, size=0.5), RecommendationWeights(accuracy=0.5, edge=0.5))
    assert [found[name]["model_type"] for name in ("edge", "recommendation")] == ["gru", "gru"]
    assert found["edge"]["file"] == "onnx"


def test_far_below_the_limits_accuracy_decides_which_file_to_ship():
    summary = comparison.summarise(comparison.make_rows([record("lstm", rmse=2.0), record("gru", rmse=1.9)]))
    rows = make_file_rows(summary, [gate("lstm", a={"latency_p95_ms": 0.002}), gate("gru", b={})])
    limits = {"p95(ms)": 30.0, "model_size(MB)": 10.0}
    weights = EdgeWeights(p95=0.5, size=0.5), RecommendationWeights(accuracy=0.8, edge=0.2)
    assert make_verdicts(rows, *weights)["recommendation"]["file"] == "a"
    assert make_verdicts(rows, *weights, limits)["recommendation"]["file"] == "b"
    assert make_verdicts(rows, *weights, limits | {"p95(ms)": 0.03})["recommendation"]["file"] == "a"


def test_only_files_that_pass_and_may_be_released_are_judged():
    summary = comparison.summarise(comparison.make_rows([record("lstm"), record("gru")]))
    gates = [
        gate("lstm", a={"verdict": "FAIL"}, b={"precision": "int8"}, c={}),
        gate("gru", a={"verdict": "NOT JUDGED"}),
        gate("gru", "multivariate", a={}),
    ]
    (row,) = make_file_rows(summary, gates)
    assert (row["model_type"], row["file"], row["p95(ms)"], row["model_size(MB)"]) == ("lstm", "c", 0.03, 0.09)


def test_of_the_files_of_a_format_the_first_is_judged():
    summary = comparison.summarise(comparison.make_rows([record("lstm")]))
    files = {"model.onnx": {"format": "onnx"}, "model_batch1.onnx": {"format": "onnx"}, "model.c": {"format": "c"}}
    rows = make_file_rows(summary, [gate("lstm", **files)])
    assert [row["file"] for row in rows] == ["model.onnx", "model.c"]


def test_the_accuracy_winner_has_the_lowest_rmse():
    assert verdicts([record(rmse=2.0), record("gru", rmse=1.9)])["accuracy"]["model_type"] == "gru"


def test_a_large_target_does_not_decide_who_is_most_accurate():
    records = [record(), record("gru")]
    records[0].metrics["test"]["model"] = scores(1.0, 1_000.0)
    records[1].metrics["test"]["model"] = scores(0.5, 1_002.0)
    for each in records:
        each.metrics["test"]["baselines"] = dict.fromkeys(("ridge", "seasonal_naive"), scores(9.0, 9_000.0))
    winner = verdicts(records)["accuracy"]
    assert winner["model_type"] == "gru"
    assert winner["reason"] == "lowest test RMSE (geometric mean over 2 targets): 22.38 on average over seeds"


def test_the_edge_winner_follows_the_weights():
    fast, small = record(p95=1.0, size=2_000), record("gru", p95=2.0, size=1_000)
    assert verdicts([fast, small], edge=(1.0, 0.0))["edge"]["model_type"] == "lstm"
    assert verdicts([fast, small], edge=(0.0, 1.0))["edge"]["model_type"] == "gru"


def test_the_recommendation_is_chosen_on_validation_not_on_test():
    lucky = record(rmse=1.0, val=3.0)
    sound = record("gru", rmse=2.0, val=2.0)
    assert verdicts([lucky, sound])["recommendation"]["model_type"] == "gru"


def test_the_front_holds_the_runs_that_no_other_beats_in_both():
    rows = comparison.make_rows([record(p95=1, rmse=3), record("gru", p95=2, rmse=2), record(seed=2, p95=3, rmse=2.5)])
    assert [row["model_type"] for row in pareto_front(rows)] == ["lstm", "gru"]


def test_the_report_says_which_model_to_ship_and_warns_when_ridge_is_better():
    records = [record(rmse=4.0), record("gru", rmse=5.0)]
    rows = comparison.make_rows(records)
    operation = {
        "latency_p50_ms": 1.0,
        "latency_p95_ms": 1.0,
        "stable": True,
        "size_bytes": 1,
        "params": 1,
        "train_seconds": 0,
    }
    baselines = comparison.make_baseline_rows(records, {"ridge univariate": operation, "seasonal_naive": operation})
    text = make_comparison_report(
        {"benchmark_id": "b", "commit_hashes": ["None"], "units": {"target": "°F"}, "shared": SHARED, "rows": rows,
         "baselines": baselines, "ensembles": [], "summary": comparison.summarise(rows), "verdicts": verdicts(records),
         "differences": find_level(records, verdicts(records)["accuracy"])}
    )  # fmt: skip
    assert "Ship none of them as it is; closest: lstm, univariate" in text
    assert "loses to the ridge regression" in text


def test_pictures_hold_every_run_with_a_colour_a_model_and_the_mean_over_seeds():
    records = [record(rmse=1.0), record("gru"), record(seed=2, rmse=3.0), record("gru", seed=2)]
    for made in records:
        error = made.metrics["test"]["model"]["overall"]["rmse"]
        steps = [{"step": step, "rmse": error * step} for step in (1, 2)]
        made.metrics["test"]["model"]["per_horizon"] = steps
        made.metrics["test"]["baselines"]["ridge"]["per_horizon"] = steps
    compared = {"rows": comparison.make_rows(records), "units": {"target": "°F"}}
    pictures = make_comparison_pictures(compared, records)
    assert sum(len(mark.x) for mark in pictures["seeds"].marks) == 4
    front, *models = pictures["accuracy_latency"].marks
    assert front.name == "Pareto front"
    assert [(mark.name, len(mark.x)) for mark in models] == [("lstm", 2), ("gru", 2)]
    lines = {mark.name: mark for mark in pictures["horizon"].marks}
    assert list(lines["lstm, univariate"].y) == [2, 4]
    assert lines["gru, univariate"].colour == models[1].colour
    assert all(picture.x_title and "°F" in picture.y_title for picture in pictures.values())


def with_errors(made, **errors):
    """A record with summed squared errors of ten blocks of time, one value each."""
    blocks = {"shape": [1, 10, 1], "steps": 3, "counts": [1.0] * 10}
    made.metrics["test"]["blocks"] = blocks | {"squared_errors": errors | {"seasonal_naive": [81.0] * 10}}
    return made


def test_what_is_level_with_the_winner_is_named():
    even = with_errors(record(rmse=1.0, ridge=1.0), model=[1.0] * 10, ridge=[0.5, 1.5] * 5)
    worse = with_errors(record("gru", rmse=2.0), model=[3.9, 4.1] * 5, ridge=[0.5, 1.5] * 5)
    found = {item["model_type"]: item for item in find_level([even, worse], verdicts([even, worse])["accuracy"])}
    assert found["ridge"]["level"]
    assert found["ridge"]["low"] < 1 < found["ridge"]["high"]
    assert not found["gru"]["level"]
    assert found["gru"]["ratio"] == 0.5
    assert found["gru"]["high"] < 1
