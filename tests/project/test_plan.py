"""The matrix: which cells there are, and what they are called."""

import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.project.parameters import resolve_parameters
from spline_lstm.project.plan import make_plan


def axes(make_parameters, **changes):
    return {**make_parameters().benchmark.model_dump(), **changes}


def test_the_default_matrix_has_twelve_cells(make_parameters, default_schema):
    cells = make_plan(make_parameters(), default_schema, None).cells
    assert len(cells) == 12
    assert len({cell.run_id for cell in cells}) == 12
    assert len({cell.processed_run_id for cell in cells}) == 2


def test_a_seed_more_adds_a_cell_for_each_model_type_and_feature_mode(make_parameters, default_schema):
    parameters = make_parameters(benchmark=axes(make_parameters, seeds=[42, 2026, 7]))
    assert len(make_plan(parameters, default_schema, None).cells) == 18


def test_a_cell_has_the_run_id_of_the_same_run_alone(make_parameters, default_schema):
    cell = make_plan(make_parameters(), default_schema, None).cells[-1]
    alone = make_parameters(model_type=cell.model_type, feature_mode=cell.feature_mode, seed=cell.seed)
    assert cell.run_id == resolve_parameters(alone, default_schema, None)["run_id"]


def test_a_users_run_id_names_the_benchmark_and_no_cell(make_parameters, default_schema):
    matrix = make_plan(make_parameters(run_id="mine"), default_schema, None)
    assert matrix.parameters["benchmark_id"].startswith("mine-")
    assert all(cell.run_id != "mine" for cell in matrix.cells)


def test_other_cells_give_another_benchmark_id(make_parameters, default_schema):
    ids = {
        make_plan(make_parameters(epochs=epochs), default_schema, None).parameters["benchmark_id"] for epochs in (1, 2)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("axis", "value", "part"),
    [
        ("model_types", ["lstmm"], "did you mean 'lstm'"),
        ("seeds", [], "at least 1 item"),
        ("seeds", [True], "integer"),
        ("seeds", [1, 1], "a value is given twice"),
    ],
)
def test_an_axis_that_makes_no_sense_is_refused(make_parameters, axis, value, part):
    with pytest.raises(ParameterError, match=part) as caught:
        make_parameters(benchmark=axes(make_parameters, **{axis: value}))
    assert caught.value.exit_code == 2


def test_axes_are_joined_with_a_plus_on_the_command_line(make_parameters):
    parameters = make_parameters(benchmark=axes(make_parameters, model_types="gru+lstm", seeds="1+2"))
    assert (parameters.benchmark.model_types, parameters.benchmark.seeds) == (("gru", "lstm"), (1, 2))
