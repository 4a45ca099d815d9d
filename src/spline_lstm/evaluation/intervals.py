"""The contents of `intervals.json`, and how to read it."""

from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from spline_lstm.errors import ShapeContractError
from spline_lstm.evaluation.error_cycle import MOST_PARTS, UsualErrors
from spline_lstm.evaluation.quantiles import QuantileRule, probabilities_of
from spline_lstm.evaluation.running_errors import RunningErrors, start_running
from spline_lstm.series.durations import DAY
from spline_lstm.spec import Flag, Floats, Spec, StrictFloat, StrictInt, Text
from spline_lstm.text import examples
from spline_lstm.types import Bool, Float64


def _check_shares(shares: tuple[float, ...]) -> tuple[float, ...]:
    if not all(0 < share < 1 for share in shares) or len(set(shares)) < len(shares):
        raise ValueError("distinct numbers between 0 and 1 are needed")
    return shares


Shares = Annotated[Floats, Field(min_length=1), AfterValidator(_check_shares)]


class QuantileSpec(Spec):
    """The method of the intervals, and the quantiles beside them; the defaults hold for files of earlier versions."""

    interval_method: Literal["adaptive", "split"] = "adaptive"
    quantiles: Shares = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


MOST = 1e12
"""Largest error or multiple, in scaled units; a file with more is damaged."""
Size = Annotated[StrictFloat, Field(ge=0, le=MOST)]
Multiple = Annotated[StrictFloat, Field(ge=-MOST, le=MOST)]


Share = Annotated[StrictFloat, Field(gt=0, le=MOST)]


class CycleSpec(Spec):
    """The parts of a day or a week with usual errors; the first begins with 1970, in UTC."""

    part_seconds: Annotated[StrictInt, Field(ge=1)]
    parts: Annotated[StrictInt, Field(ge=1, le=MOST_PARTS)]
    step_seconds: Annotated[StrictFloat, Field(gt=0, le=DAY)]
    """Length of a step of the series."""


class SeriesState(Spec):
    """The running errors of one series and target, one entry for each step."""

    mean: tuple[Size, ...]
    count: tuple[Annotated[StrictInt, Field(ge=1, lt=1 << 63)], ...]
    usual: tuple[Share, ...] = ()
    """Its usual errors in each part of the cycle, relative to their mean."""


class TargetIntervals(Spec):
    """State of the quantiles of one target, in scaled units."""

    nonnegative: Flag
    """Whether no quantile is below zero."""
    pooled: tuple[Annotated[StrictFloat, Field(gt=0, le=MOST)], ...]
    """Mean absolute error on validation for each step; a new series begins with these."""
    multiples: tuple[tuple[Multiple | None, ...], ...]
    """For each probability and step, the quantile of error divided by running error; None: too few errors."""
    usual: tuple[Share, ...] = ()
    """The usual errors of a new series, in each part of the cycle."""
    series: dict[str, SeriesState]
    """The running errors of every series after the last known truth."""


class Intervals(Spec):
    """The contents of `intervals.json`."""

    run_id: Text
    processed_run_id: Text
    model_sha256: Text
    interval_method: Literal["adaptive", "split"]
    windows: Annotated[StrictInt, Field(ge=0)]
    """Number of validation windows that the quantiles were learnt from."""
    half_life: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None
    """Number of errors after which an error has half its weight in the running error; None keeps it constant."""
    cycle: CycleSpec | None = None
    """Cycle of the usual errors; if present, all errors are relative to the usual errors."""
    levels: Shares
    probabilities: Shares
    """Probabilities of `multiples`, ascending: the quantiles and the ends of the intervals."""
    quantiles: Shares
    targets: Annotated[dict[str, TargetIntervals], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if self.probabilities != probabilities_of(self.levels, self.quantiles):
            raise ValueError("its probabilities are not those of its levels and quantiles")
        steps = len(next(iter(self.targets.values())).pooled)
        for name, target in self.targets.items():
            rows = [target.pooled, *target.multiples]
            rows += [row for state in target.series.values() for row in (state.mean, state.count)]
            if not steps or any(len(row) != steps for row in rows) or len(target.multiples) != len(self.probabilities):
                raise ValueError(f"the lists of target '{name}' are not as long as its steps and probabilities")
        parts = self.cycle.parts if self.cycle else 0
        for name, target in self.targets.items():
            if any(len(usual) != parts for usual in (target.usual, *(each.usual for each in target.series.values()))):
                raise ValueError(f"the usual errors of target '{name}' are not those of {parts} parts of a cycle")
        multiples = self.rule.multiples
        falls = (multiples[1:] < multiples[:-1]).any(axis=(0, 1))
        if falls.any():
            name = list(self.targets)[int(np.argmax(falls))]
            raise ValueError(f"the multiples of target '{name}' fall from one probability to a greater one")
        return self

    def check_fits(self, horizon: int, targets: tuple[str, ...]) -> None:
        """Refuse intervals that do not fit the forecasts.

        Raises:
            ShapeContractError: Targets or steps differ.

        """
        if tuple(self.targets) != targets or len(self.pooled) != horizon:
            raise ShapeContractError(
                f"the intervals of run '{self.run_id}' are of {len(self.pooled)} steps of {examples(self.targets)}; "
                f"{horizon} steps of {examples(targets)} are needed"
            )

    @property
    def pooled(self) -> Float64:
        """Pooled mean absolute errors, `(horizon, F_target)`."""
        return np.array([target.pooled for target in self.targets.values()]).T

    @cached_property
    def content(self) -> dict[str, Any]:
        """The same as plain values."""
        return self.model_dump()

    @property
    def rule(self) -> QuantileRule:
        """The rule that turns forecasts and running errors into quantiles."""
        return QuantileRule.read(self.content)

    def usual(self, names: tuple[str, ...]) -> UsualErrors | None:
        """Return the usual errors of some series by the hour or the weekday; a new series gets the pooled ones."""
        return UsualErrors.read(self.content, names)

    def running(self, names: tuple[str, ...]) -> tuple[RunningErrors, Bool]:
        """Return the running errors of some series, and which of them the run has seen.

        An unknown series begins with the pooled errors.
        """
        seen = np.array([all(name in target.series for target in self.targets.values()) for name in names], dtype=bool)
        running = start_running(self.pooled, len(names))
        for at, target in enumerate(self.targets.values()):
            states = [target.series[name] for name, known in zip(names, seen, strict=True) if known]
            shape = (len(states), len(target.pooled))
            running.mean[seen, :, at] = np.array([state.mean for state in states]).reshape(shape)
            running.count[seen, :, at] = np.array([state.count for state in states], dtype=np.int64).reshape(shape)
        return running, seen
