"""The check of an input contract, before its file is run."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from spline_lstm.evaluation.intervals import Intervals
from spline_lstm.series.preprocessor import Center, Positive, Ranks, Scale
from spline_lstm.spec import Flag, Name, Spec, StrictFloat, StrictInt, Text

_Count = Annotated[StrictInt, Field(ge=1, lt=1 << 31)]
_Place = Annotated[StrictInt, Field(ge=0, lt=1 << 31)]
_Positive = Annotated[StrictFloat, Field(gt=0)]


class ContractRecord(Spec):
    """The fields of `EdgeContract`, checked."""

    model_config = ConfigDict(extra="ignore")

    run_id: Text
    processed_run_id: Text
    model_type: Text
    model_sha256: Text
    lookback: _Count
    horizon: _Count
    freq: Text | None
    step_seconds: _Positive | None
    steps_kept: _Count
    steps_needed: _Count
    max_gap: _Place | None
    feature_order: Annotated[list[Name], Field(min_length=1)]
    target_indices: Annotated[list[_Place], Field(min_length=1)]
    ages: dict[Name, list[_Place]]
    scalers: dict[Name, Annotated[Scale | Ranks, Field(discriminator="kind")]]
    units: dict[Name, Name]
    static_codes: dict[Name, dict[Name, list[StrictFloat]]]
    static_columns: dict[Name, list[Name]]
    target_range: list[tuple[StrictFloat, StrictFloat]] | None
    regression_only: Flag = False
    intervals: dict[str, object] = Field(default_factory=dict)
    series_scalers: dict[Name, dict[Name, tuple[Center, Positive]]] = Field(default_factory=dict)
    missing_values: dict[Name, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_fits(self) -> Self:
        count, names = len(self.feature_order), self.feature_order
        if any(index >= count for index in self.target_indices):
            raise ValueError("target_indices lie outside feature_order")
        if any(len(self.ages.get(name, ())) != self.lookback for name in names):
            raise ValueError(f"each feature needs {self.lookback} ages")
        targets = [names[index] for index in self.target_indices]
        if not all(isinstance(self.scalers.get(name), Scale) or name in self.series_scalers for name in targets):
            raise ValueError("a target has no scaler")
        if self.target_range is not None and len(self.target_range) != len(targets):
            raise ValueError("target_range is not one range for each target")
        if "targets" in self.intervals:
            ids = {"run_id": self.run_id, "processed_run_id": self.processed_run_id, "model_sha256": self.model_sha256}
            Intervals(**self.intervals | ids).check_fits(self.horizon, tuple(targets))
        return self
