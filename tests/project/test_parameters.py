import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spline_lstm.datasets.inputs import read_schema
from spline_lstm.errors import ParameterError
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.project.parameters import (
    GROUPS,
    RESERVED,
    Parameters,
    check_given,
    parse_parameters,
    resolve_parameters,
    takes_list,
)
from spline_lstm.series.schema import CovariateSchema

Make = Callable[..., Parameters]
Ids = Callable[..., tuple[str, str]]


@pytest.fixture(scope="module")
def ids_of(make_parameters: Make, default_schema: CovariateSchema) -> Ids:
    """Return the run id and the processed id of the default parameters with changes."""

    def resolve(
        schema: CovariateSchema = default_schema, commit_hash: str | None = None, **changes: Any
    ) -> tuple[str, str]:
        resolved = resolve_parameters(make_parameters(**changes), schema, commit_hash)
        return resolved["run_id"], resolved["processed_run_id"]

    return resolve


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_type", "lstm"),
        ("feature_mode", "univariate"),
        ("target_cols", ("target",)),
        ("dynamic_covariates", ()),
        ("static_covariates", ()),
        ("series_id_cols", ("auto",)),
        ("covariate_spec", "conf/base/covariates/default.schema.json"),
        ("export_formats", ("onnx", "tflite")),
        ("lookback", 24),
        ("horizon", 24),
        ("stride", 1),
        ("split", (0.70, 0.15, 0.15)),
        ("max_gap", 24),
        ("max_missing_ratio", 0.30),
        ("seed", 42),
        ("dropout", 0.2),
        ("run_id", None),
    ],
)
def test_the_defaults_are_those_of_the_contract(name: str, value: Any, make_parameters: Make) -> None:
    assert getattr(make_parameters(), name) == value


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("lookbak", "lookback"), ("model_typ", "model_type"), ("epoch", "epochs")]
)
def test_a_misspelt_parameter_is_refused_with_the_nearest(
    misspelt: str, meant: str, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    with refuses(ParameterError, 2, f"parameter '{misspelt}' is unknown; did you mean '{meant}'?"):
        make_parameters(**{misspelt: 1})


def test_a_parameter_that_is_left_out_is_named(make_parameters: Make, refuses: Callable[..., Any]) -> None:
    values = make_parameters().model_dump()
    del values["seed"]
    with refuses(ParameterError, 2, "parameter 'seed' is missing"):
        parse_parameters(values)


@pytest.mark.parametrize("name", ["lookback", "horizon", "stride", "epochs", "batch_size", "early_stopping_patience"])
@pytest.mark.parametrize("value", [0, -1, True, 1.0, 2.5, "24", None])
def test_a_count_is_a_whole_number_of_at_least_one(
    name: str, value: Any, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    with refuses(ParameterError, 2, f"parameter '{name}' is {value!r}; it should be"):
        make_parameters(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("model_type", "lstmm", "is 'lstmm'; allowed: lstm, gru, attention_lstm; did you mean 'lstm'?"),
        ("model_type", "atention_lstm", "did you mean 'attention_lstm'?"),
        ("feature_mode", "multivariat", "did you mean 'multivariate'?"),
        ("normalization", "lst", "did you mean 'last'?"),
        ("linear_path", "rigde", "did you mean 'ridge'?"),
        ("target_cols", [], "it should have at least 1 item"),
        ("target_cols", "a+a", "'a' is given twice"),
        ("dynamic_covariates", "a+", "a name is empty"),
        ("split", [0.7, 0.3], "three positive shares that add up to 1 are needed"),
        ("split", [0.7, 0.2, 0.2], "three positive shares that add up to 1 are needed"),
        ("split", [1.0, 0.0, 0.0], "three positive shares that add up to 1 are needed"),
        ("max_gap", -1, "it should be greater than or equal to 0"),
        ("max_missing_ratio", 1.0, "it should be less than 1"),
        ("hidden_units", [64, 0], "every layer needs at least one unit"),
        ("hidden_units", [], "it should have at least 1 item"),
        ("dropout", 1.0, "it should be less than 1"),
        ("learning_rate", 0.0, "it should be greater than 0"),
        ("spline_smoothing", float("nan"), "it should be a finite number"),
        ("seed", -1, "it should be greater than or equal to 0"),
        ("seed", 2**32, "it should be less than 4294967296"),
        ("season", "aut", "'season' is 'aut'; it should be a valid integer or it should be 'auto'"),
        ("season", 0, "'season' is 0; it should be greater than or equal to 1"),
        ("input_path", "", "it should have at least 1 character"),
        ("export_formats", "onnx+pdf", "'export_formats' is 'onnx+pdf'; allowed: none, onnx, tflite"),
        ("export_formats", "none+onnx", "'none' cannot be combined with a format"),
        ("export_formats", "onnx+onnx", "'onnx' is given twice"),
        ("export_formats", [], "allowed: none, onnx, tflite"),
    ],
)
def test_a_value_out_of_range_is_refused(
    name: str, value: Any, found: str, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    with refuses(ParameterError, 2, f"parameter '{name}' is ", found):
        make_parameters(**{name: value})


@pytest.mark.parametrize(
    ("typed", "formats"),
    [
        ("none", ("none",)),
        ("onnx", ("onnx",)),
        ("tflite+onnx", ("onnx", "tflite")),
        (["onnx", "tflite"], ("onnx", "tflite")),
    ],
)
def test_export_formats_are_normalised(typed: Any, formats: tuple[str, ...], make_parameters: Make) -> None:
    assert make_parameters(export_formats=typed).export_formats == formats


@pytest.mark.parametrize("name", ["target_cols", "dynamic_covariates", "static_covariates", "series_id_cols"])
def test_a_plus_joins_names_on_the_command_line(name: str, make_parameters: Make) -> None:
    assert getattr(make_parameters(**{name: "first+second"}), name) == ("first", "second")


# The command line turns 007 into 7 and 1e5 into 100000.0.
@pytest.mark.parametrize(
    "run_id", [7, 1e5, True, "007", "", "-", "..", "../up", "a/b", "a b", "a\n", "über", "a" * 65, ["a"]]
)
@pytest.mark.parametrize("name", ["run_id", "processed_run_id"])
def test_a_run_id_that_is_no_safe_name_is_refused(
    name: str, run_id: Any, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    with refuses(ParameterError, 2, f"parameter '{name}' is ", "at least one of them a letter"):
        make_parameters(**{name: run_id})


@pytest.mark.parametrize("run_id", ["a", "7b", "v1.2_x-y", "a" * 64, None])
def test_a_run_id_with_a_letter_is_taken(run_id: str | None, make_parameters: Make) -> None:
    assert make_parameters(run_id=run_id).run_id == run_id


def test_a_derived_run_id_tells_model_mode_and_seed(ids_of: Ids) -> None:
    run_id, processed_id = ids_of(model_type="gru", feature_mode="multivariate", seed=7)
    assert run_id.startswith("gru-multivariate-s7-")
    assert processed_id.startswith("multivariate-")


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"split": [0.7, 0.15, 0.15]},
        {"export_formats": "none"},
        {"spline_smoothing": 0},
        {"commit_hash": "abc"},
        {"backend": "onnx"},
    ],
)
def test_the_same_settings_give_the_same_ids(same: dict[str, Any], ids_of: Ids) -> None:
    assert ids_of(**same) == ids_of()


def test_the_way_a_list_is_written_does_not_change_the_ids(ids_of: Ids) -> None:
    assert ids_of(hidden_units="48+24", target_cols="a+b") == ids_of(hidden_units=[48, 24], target_cols=["a", "b"])


@pytest.mark.parametrize(
    "other",
    [
        {"epochs": 31},
        {"seed": 43},
        {"model_type": "gru"},
        {"dropout": 0.1},
        {"season": 12},
        {"hidden_units": [48]},
        {"interval_levels": [0.9]},
    ],
)
def test_other_training_gives_another_run_on_the_same_data(other: dict[str, Any], ids_of: Ids) -> None:
    (run_id, processed_id), (other_run_id, other_processed_id) = ids_of(), ids_of(**other)
    assert other_run_id != run_id
    assert other_processed_id == processed_id


@pytest.mark.parametrize(
    "other",
    [
        {"lookback": 25},
        {"max_gap": 3},
        {"target_cols": "dew_point"},
        {"input_path": "other.csv"},
        {"feature_mode": "multivariate"},
        {"freq": "h"},
    ],
)
def test_other_data_gives_other_ids(other: dict[str, Any], ids_of: Ids) -> None:
    (run_id, processed_id), (other_run_id, other_processed_id) = ids_of(), ids_of(**other)
    assert other_run_id != run_id
    assert other_processed_id != processed_id


def test_another_schema_gives_another_processed_id(make_schema: Callable[..., CovariateSchema], ids_of: Ids) -> None:
    assert ids_of(make_schema(seasonal_lags=[24]))[1] != ids_of()[1]


def test_an_own_run_id_names_run_and_data(ids_of: Ids) -> None:
    assert ids_of(run_id="mine") == ("mine", "mine")


def test_an_own_processed_run_id_names_the_data_and_keeps_the_run_apart_from_others(ids_of: Ids) -> None:
    run_id, processed_id = ids_of(processed_run_id="data")
    assert processed_id == "data"
    assert run_id.startswith("lstm-univariate-s42-")
    assert run_id != ids_of()[0]


def test_an_own_processed_run_id_wins_over_the_run_id(ids_of: Ids) -> None:
    assert ids_of(run_id="mine", processed_run_id="data") == ("mine", "data")


def test_the_snapshot_records_normalised_lists(make_parameters: Make, default_schema: CovariateSchema) -> None:
    parameters = make_parameters(export_formats="none", target_cols="target+dew_point")
    settings = RunSpec(**resolve_parameters(parameters, default_schema, None)["run"]).resolved
    assert settings["export_formats"] == ["none"]
    assert settings["target_cols"] == ["target", "dew_point"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_can_be_read_back(group: str, make_parameters: Make, default_schema: CovariateSchema) -> None:
    parameters = make_parameters()
    resolved = resolve_parameters(parameters, default_schema, None)
    assert GROUPS[group](**resolved[group]) == parameters.part(GROUPS[group])


def test_ids_of_earlier_settings_stay_as_parameters_are_added(make_parameters: Make, project: Path) -> None:
    schema = read_schema(project / "conf" / "base" / "covariates" / "default.schema.json")
    resolved = resolve_parameters(make_parameters(), schema, None)
    assert resolved["run_id"] == "lstm-univariate-s42-3e35a28943"


@pytest.mark.parametrize(
    "change", [{"duplicates": "first"}, {"timestamp_col": "date"}, {"layout": "wide"}, {"resample": "mean"}]
)
def test_another_way_to_read_the_table_has_ids_of_its_own(change: dict[str, Any], ids_of: Ids) -> None:
    assert ids_of(**change)[1] != ids_of()[1]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("timestamp_format", "quater", "did you mean 'quarter'?"),
        ("timestamp_col", [], "it should have at least 1 item"),
        ("duplicates", "frist", "did you mean 'first'?"),
        ("resample", "median", "it should be 'none', 'last', 'mean' or 'sum'"),
        ("layout", "wid", "did you mean 'wide'?"),
    ],
)
def test_a_way_to_read_the_table_that_does_not_exist_is_refused(
    name: str, value: Any, message: str, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    with refuses(ParameterError, 2, f"parameter '{name}' is ", message):
        make_parameters(**{name: value})


@pytest.mark.parametrize(
    ("given", "part", "whole"),
    [
        ({"split": {"0": 0.6}}, "split.0", "split"),
        ({"epochs": {"x": 1}}, "epochs.x", "epochs"),
        ({"benchmark": {"seeds": {"0": 1}}}, "benchmark.seeds.0", "benchmark.seeds"),
    ],
)
def test_a_part_of_a_value_is_refused_with_what_to_type(refuses: Any, given: Any, part: str, whole: str) -> None:
    with refuses(ParameterError, 2, f"parameter '{part}' cannot be set on its own", f"--params {whole}=...+..."):
        check_given(given)


def test_a_parameter_of_a_group_is_given_by_its_dotted_name() -> None:
    check_given({"benchmark": {"seeds": [1]}, "edge_poc": {"parity": {"fp32": 1e-3}}, "my_pipeline": {"x": {"y": 1}}})


@pytest.mark.parametrize("name", ["input_path", "covariate_spec"])
def test_a_password_in_an_address_is_refused_and_not_repeated(make_parameters: Any, refuses: Any, name: str) -> None:
    with pytest.raises(ParameterError) as caught:
        make_parameters(**{name: "https://me:se@cret@host/table.csv"})
    assert "cret" not in caught.value.message
    for place in (
        "s3://me:secret@bucket/table.csv",
        "https://token@host/table.csv",
        "gs://token@bucket/table.csv",
        "https://host/table.csv?sv=1&sig=secret",
        "https://host/table.csv?X-Amz-Signature=secret",
        "https://host/table.csv?access_token=secret",
        "abfs://container@account.dfs.core.windows.net/t.csv?sig=secret",
    ):
        with refuses(
            ParameterError, 2, f"parameter '{name}' is an address with a password", "credentials of raw_table"
        ):
            make_parameters(**{name: place})
    for place in ("https://host/table.csv?version=2", "abfs://container@account.net/t.csv", "sftp://me@host/t.csv"):
        assert getattr(make_parameters(**{name: place}), name) == place


@pytest.mark.parametrize(
    ("name", "expected"),
    [("split", True), ("benchmark.seeds", True), ("input_path", False), ("timestamp_format", False), ("mine.x", True)],
)
def test_lists_are_told_from_single_values(name: str, expected: bool) -> None:
    assert takes_list(name) == expected


def test_no_run_takes_the_name_of_a_folder_beside_the_runs(
    project: Path, make_parameters: Make, refuses: Callable[..., Any]
) -> None:
    catalog = (project / "conf" / "base" / "catalog.yml").read_text()
    beside = re.findall(r"\$\{globals:reporting\}/(\w+)/", catalog)
    assert sorted(beside) == sorted(RESERVED)
    for name in (*RESERVED, RESERVED[0].upper()):
        with refuses(ParameterError, 2, f"parameter 'run_id' is '{name}'", f"such as my-{name}"):
            make_parameters(run_id=name)
