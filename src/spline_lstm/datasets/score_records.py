"""Records of scores, and the registry of all records; see `records`."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from spline_lstm.datasets.records import (
    Count,
    Digest,
    EdgeGate,
    Mode,
    Positive,
    Record,
    RecordId,
    RunRecord,
    Size,
    TrainingHistory,
)
from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.spec import Flag, Name, Spec, StrictFloat, Text

Number = StrictFloat | None


class Scores(Record):
    """Metrics by name; None for an undefined metric. Further metrics, such as `coverage_80`, are numbers too."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Number] = Field(init=False)

    mae: Number
    mse: Number
    rmse: Number
    robust_mape: Number
    mase: Number
    r2: Number


class Forecasts(Record):
    """Scores of the model or a baseline."""

    overall: Scores
    per_target: Annotated[dict[Name, Scores], Field(min_length=1)]
    per_horizon: Annotated[tuple[Scores, ...], Field(min_length=1)]
    per_series: dict[Name, Scores] = Field(default_factory=dict)


class Blocks(Record):
    """Squared errors by group of series, block of time and target, as a flat list."""

    shape: Annotated[tuple[Positive, ...], Field(min_length=3, max_length=3)]
    steps: Positive
    counts: tuple[Size, ...]
    squared_errors: dict[Name, tuple[Size, ...]]

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        groups, blocks, targets = self.shape
        if {len(self.counts), *map(len, self.squared_errors.values())} != {groups * blocks * targets}:
            raise ValueError(f"as many numbers as the shape {list(self.shape)} has are needed")
        return self


class Part(Record):
    """Scores on the validation or the test part."""

    windows: Positive
    model: Forecasts
    baselines: Annotated[dict[Name, Forecasts], Field(min_length=1)]
    blocks: Blocks | None = None


class Block(Record):
    """Coverage in one block of time."""

    from_: Text = Field(alias="from")
    coverage: Number


class Interval(Record):
    """Scores of an interval on the test part."""

    level: Annotated[StrictFloat, Field(gt=0, lt=1)]
    coverage: Number
    mean_width: Number
    winkler: Number
    over_time: tuple[Block, ...] = ()


class Metrics(Record):
    """The content of `metrics.json`."""

    run_id: RecordId
    processed_run_id: RecordId
    model_sha256: Digest
    season: Positive
    units: Annotated[dict[Name, Name | None], Field(min_length=1)]
    val: Part
    test: Part
    intervals: tuple[Interval, ...]
    half_life: Positive | None = None
    error_cycle: Positive | None = None
    refit_of: RecordId | None = None


class SummaryRow(Record):
    """The benchmark's results for one model type and feature mode, as means over the seeds."""

    model_type: Text
    data_mode: Mode
    rmse: Size = Field(alias="RMSE")
    rmse_spread: Size = Field(alias="RMSE spread")
    typical_rmse: Size = Field(alias="typical RMSE")
    typical_val_rmse: Size = Field(alias="typical val RMSE")
    loses_to_ridge: Flag


class ComparedRun(Record):
    """One run of the benchmark."""

    model_type: Text
    data_mode: Mode
    notes: Name


class Comparison(Record):
    """The content of `comparison.json`."""

    units: dict[Name, Name | None]
    rows: Annotated[tuple[ComparedRun, ...], Field(min_length=1)]
    summary: Annotated[tuple[SummaryRow, ...], Field(min_length=1)]


class TrialRecord(Record):
    """The result of one trial of a tuning."""

    trial: Positive
    settings: dict[Name, Any]
    val_rmse: Size | None
    """None if the settings could not be trained."""
    val_windows: Count
    val_sha256: Digest | None
    params: Count | None
    units: dict[Name, Name | None]
    seconds: Size
    failure: Name | None


RECORDS: dict[str, type[Spec]] = {
    "run": RunRecord,
    "intervals": Intervals,
    "training_history": TrainingHistory,
    "edge_gate": EdgeGate,
    "metrics": Metrics,
    "comparison": Comparison,
    "trial": TrialRecord,
}
"""The record of each name that the option `holds` of a `JSONDataset` accepts."""
