"""The search of a tuning: it proposes settings from the validation errors of earlier trials.

The proposals come from a tree-structured Parzen estimator (J. Bergstra, R. Bardenet, Y. Bengio and B. Kégl,
"Algorithms for hyper-parameter optimization", NeurIPS 2011), implemented by Optuna, an extra of the project.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from spline_lstm.errors import ParameterError
from spline_lstm.models.registry import ModelType, Widths
from spline_lstm.models.target_space import Normalization
from spline_lstm.spec import Spec, StrictFloat, StrictInt, split_names, split_numbers

Settings = dict[str, Any]
"""Name of a parameter to a value of JSON."""
Space = dict[str, list[Any]]
"""Name of a parameter to the values to try, the run's own first."""

SEARCHED = ("model_type", "hidden_units", "dropout", "learning_rate", "normalization", "lookback")
"""Parameters that can be searched."""


class TuningSpec(Spec):
    """The number of trials, and the values of each parameter to try beside the run's own."""

    trials: Annotated[StrictInt, Field(ge=1, le=999)]
    at_once: Annotated[StrictInt, Field(ge=1)]
    """Number of trials that are proposed together, without the scores of one another."""
    model_type: Annotated[tuple[ModelType, ...], BeforeValidator(split_names)]
    hidden_units: Annotated[tuple[Widths, ...], BeforeValidator(split_numbers)]
    dropout: Annotated[
        tuple[Annotated[StrictFloat, Field(ge=0, lt=1)], ...],
        BeforeValidator(split_numbers),
    ]
    learning_rate: Annotated[tuple[Annotated[StrictFloat, Field(gt=0)], ...], BeforeValidator(split_numbers)]
    normalization: Annotated[tuple[Normalization, ...], BeforeValidator(split_names)]
    lookback: Annotated[tuple[Annotated[StrictInt, Field(ge=1)], ...], BeforeValidator(split_numbers)]


def make_space(tuning: TuningSpec, own: Mapping[str, Any]) -> Space:
    """Return the values to try of each parameter that has more than one.

    Args:
        tuning: The values beside the run's own.
        own: The run's own values, as in JSON.

    """
    asked = tuning.model_dump(mode="json")
    space: Space = {}
    for name in SEARCHED:
        values = [own[name]]
        values += [value for value in asked[name] if value not in values]
        if len(values) > 1:
            space[name] = values
    return space


def check_search(space: Space, trials: int) -> None:
    """Refuse an impossible search.

    Raises:
        ParameterError: Optuna is missing, or there are fewer settings than trials.

    """
    settings = int(np.prod([len(values) for values in space.values()]))
    if settings < trials:
        raise ParameterError(
            f"parameter 'tuning.trials' is {trials}, and the search space holds {settings} settings; give fewer trials "
            "or more values"
        )
    if find_spec("optuna") is None:
        raise ParameterError("a tuning needs Optuna: pip install 'spline-lstm[tuning]'")


def propose(space: Space, known: Sequence[tuple[Settings, float | None]], count: int, seed: int) -> list[Settings]:
    """Propose untried settings; the same ones for the same arguments.

    Args:
        space: The values to try, not all of them tried yet.
        known: Tried settings with the validation error of each; None if it has none.
        count: How many to propose, at most as many as are left. The very first are the run's own.
        seed: Of the draws.

    """
    import optuna
    from optuna.distributions import CategoricalDistribution

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    distributions = {name: CategoricalDistribution(range(len(values))) for name, values in space.items()}
    # With one seed for all rounds, each round would begin with the same random trials.
    sampler = optuna.samplers.TPESampler(seed=seed + len(known), constant_liar=True)
    study = optuna.create_study(sampler=sampler)
    tried = set()
    for settings, error in known:
        places = {name: values.index(settings[name]) for name, values in space.items()}
        value = np.inf if error is None else error
        study.add_trial(optuna.trial.create_trial(params=places, distributions=distributions, value=value))
        tried.add(tuple(places.values()))
    if not known:
        study.enqueue_trial(dict.fromkeys(space, 0))
    rng = np.random.default_rng(seed + len(known))
    proposed = []
    for _ in range(count):
        asked = study.ask(distributions).params
        chosen = tuple(asked[name] for name in space)
        while chosen in tried:
            chosen = tuple(int(rng.integers(len(values))) for values in space.values())
        tried.add(chosen)
        proposed.append({name: space[name][place] for name, place in zip(space, chosen, strict=True)})
    return proposed
