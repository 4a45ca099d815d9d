"""What a tuning proposes: the run's own settings first, none twice, and the same for the same results."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from spline_lstm.errors import ParameterError
from spline_lstm.project.parameters import Parameters
from spline_lstm.selection import search
from spline_lstm.selection.search import Space, check_search, make_space, propose

SPACE: Space = {"model_type": ["lstm", "gru"], "hidden_units": [[64], [32], [64, 32]]}
OWN = {"model_type": "lstm", "hidden_units": [64]}


def tuning(make_parameters: Callable[..., Parameters], **changes: Any) -> Parameters:
    nothing: dict[str, Any] = {name: [] for name in search.SEARCHED}
    return make_parameters(tuning={"trials": 1, "at_once": 1, **nothing, **changes})


def test_the_runs_own_settings_come_first() -> None:
    assert propose(SPACE, [], 3, seed=0)[0] == OWN


def test_every_setting_is_proposed_once() -> None:
    known: list[tuple[dict[str, Any], float | None]] = []
    while len(known) < 6:
        known += [(settings, 1.0) for settings in propose(SPACE, known, 2, seed=0)]
    found = [(settings["model_type"], *settings["hidden_units"]) for settings, _ in known]
    assert sorted(found) == sorted((kind, *units) for kind, units in itertools.product(*SPACE.values()))


def test_the_same_results_give_the_same_proposals_however_many_are_asked_for() -> None:
    known = [(OWN, 2.0), ({"model_type": "gru", "hidden_units": [32]}, None)]
    three = propose(SPACE, known, 3, seed=7)
    assert propose(SPACE, known, 3, seed=7) == three
    assert propose(SPACE, known, 1, seed=7) == three[:1]


def test_what_scored_well_is_proposed_more_often() -> None:
    space: Space = {"model_type": ["lstm", "gru"], "dropout": [place / 100 for place in range(50)]}
    known = [
        ({"model_type": kind, "dropout": place / 100}, error if place % 2 else None)
        for place in range(10)
        for kind, error in (("lstm", 2.0), ("gru", 1.0))
    ]
    proposed = [settings["model_type"] for settings in propose(space, known, 20, seed=0)]
    assert proposed.count("gru") > 14


def test_a_parameter_without_further_values_is_not_searched(make_parameters: Any) -> None:
    parameters = tuning(make_parameters, model_type=["lstm", "gru"], dropout=[0.2])
    space = make_space(parameters.tuning, parameters.model_dump(mode="json"))
    assert space == {"model_type": ["lstm", "gru"]}


def test_lists_are_typed_as_elsewhere_on_the_command_line(make_parameters: Any) -> None:
    parameters = tuning(make_parameters, hidden_units="32+128", learning_rate=0.01, normalization="last")
    space = make_space(parameters.tuning, parameters.model_dump(mode="json"))
    assert space == {
        "hidden_units": [[64], [32], [128]],
        "learning_rate": ["auto", 0.01],
        "normalization": ["auto", "last"],
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trails": 5}, "parameter 'tuning.trails' is unknown; did you mean 'trials'?"),
        ({"trials": 0}, "parameter 'tuning.trials' is 0; it should be greater than or equal to 1"),
        ({"model_type": ["gruu"]}, "did you mean 'gru'?"),
        ({"dropout": [1.0]}, "parameter 'tuning.dropout.0' is 1.0; it should be less than 1"),
        ({"hidden_units": [0]}, "every layer needs at least one unit"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    make_parameters: Any, refuses: Any, changes: dict[str, Any], message: str
) -> None:
    with refuses(ParameterError, 2, message):
        tuning(make_parameters, **changes)


def test_more_trials_than_settings_are_refused(make_parameters: Any, refuses: Any) -> None:
    parameters = tuning(make_parameters, trials=3, model_type=["gru"])
    space = make_space(parameters.tuning, parameters.model_dump(mode="json"))
    with refuses(ParameterError, 2, "'tuning.trials' is 3, and the search space holds 2 settings"):
        check_search(space, parameters.tuning.trials)


def test_without_the_optimiser_a_tuning_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, refuses: Any) -> None:
    monkeypatch.setattr(search, "find_spec", lambda _: None)
    with refuses(ParameterError, 2, "pip install 'spline-lstm[tuning]'"):
        check_search({"seed": [1, 2]}, 2)
