"""Records, the JSON files of a run, and their checks when they are read.

An edited record that breaks these rules is refused before anything is computed from it. Unknown keys are ignored:
later versions may add some.
"""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, Strict, field_validator, model_validator

from spline_lstm.errors import ArtifactDamagedError, Failure, exit_codes
from spline_lstm.spec import Name, Names, Spec, StrictFloat, StrictInt, Text

_NAME = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,128}")


def _check_id(text: str) -> str:
    # The runs of a backtest are in the folder of its run: trained/fold1.
    if not 1 <= text.count("/") + 1 <= 2 or not all(_NAME.fullmatch(part) for part in text.split("/")):
        raise ValueError("letters, digits, '.', '_' or '-' are needed")
    return text


def _check_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("the name of a file in its folder is needed")
    return text


RecordId = Annotated[str, Strict(), AfterValidator(_check_id)]
FileName = Annotated[str, Strict(), AfterValidator(_check_name)]
Digest = Annotated[str, Strict(), Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[StrictInt, Field(ge=0, lt=1 << 63)]
Positive = Annotated[StrictInt, Field(ge=1, lt=1 << 63)]
Size = Annotated[StrictFloat, Field(ge=0)]
Mode = Literal["univariate", "multivariate"]


class Record(Spec):
    """A part of a record; further keys are ignored."""

    model_config = ConfigDict(extra="ignore")


class Choice(Record):
    """The value that `auto` chose."""

    chosen: Annotated[str, Strict()] | StrictFloat | StrictInt | bool | list[StrictFloat | StrictInt] | None


class RunSettings(Record):
    """The settings that are needed to find and read a run's files."""

    run_id: RecordId
    processed_run_id: RecordId | None
    model_type: Text
    feature_mode: Mode
    input_path: Text | None = None


class RunRecord(Record):
    """The content of `run.json`."""

    run_id: RecordId
    processed_run_id: RecordId
    seed: StrictInt
    settings: RunSettings
    sha256: dict[Name, Digest]
    """Hashes of the model files."""
    processed_sha256: dict[Name, Digest]
    size_bytes: Count
    params: Count
    train_seconds: Size
    commit_hash: Text | None = None
    command: Name = ""
    places: dict[Name, Name] = Field(default_factory=dict)
    shared: dict[Name, Name | StrictInt] = Field(default_factory=dict)
    source_sha256: Digest | None = None
    best_epoch: Count | None = None
    discarded: Text | None = None
    choices: dict[Name, Choice] = Field(default_factory=dict)
    versions: dict[Name, Name | None] = Field(default_factory=dict)
    finished_at: Name = ""
    refit_of: RecordId | None = None

    @field_validator("sha256")
    @classmethod
    def _check_model(cls, hashes: dict[str, str]) -> dict[str, str]:
        if "model.keras" not in hashes:
            raise ValueError("the hash of model.keras is needed")
        return hashes


class Epoch(Record):
    """Losses of one epoch; None if there is no loss."""

    epoch: Count
    loss: StrictFloat | None
    val_loss: StrictFloat | None


class TrainingHistory(Record):
    """The content of `training_history.json`."""

    history: tuple[Epoch, ...]
    best_epoch: Count
    schedule: tuple[Annotated[StrictFloat, Field(gt=0)], ...] = ()
    """Learning rate of each epoch up to the best one."""
    ridge_penalty: Size | None = None
    choices: dict[Name, Choice] = Field(default_factory=dict)
    discarded: Text | None = None
    params: Count
    train_seconds: Size


class Criterion(Record):
    """One value that the gate measures, and its limit."""

    name: Text
    found: StrictFloat | StrictInt | None
    limit: StrictFloat | StrictInt
    unit: Name
    passed: Annotated[bool, Strict()]


class GateFile(Record):
    """The gate's result for one file."""

    format: Text
    precision: Literal["fp32", "fp16", "int8"]
    verdict: Literal["PASS", "FAIL", "NOT JUDGED"]
    reason: Name | None
    criteria: tuple[Criterion, ...]
    size_bytes: Count | None = None
    latency_p50_ms: Size | None = None
    latency_p95_ms: Size | None = None

    @model_validator(mode="after")
    def _check_verdict(self) -> Self:
        passed = bool(self.criteria) and all(criterion.passed for criterion in self.criteria)
        if passed != (self.verdict == "PASS"):
            raise ValueError(f"the verdict {self.verdict} does not follow from the criteria")
        if self.criteria and None in (self.size_bytes, self.latency_p50_ms, self.latency_p95_ms):
            raise ValueError("a file that was judged has size_bytes, latency_p50_ms and latency_p95_ms")
        return self


class EdgeGate(Record):
    """The content of `edge_gate.json`."""

    run_id: RecordId
    model_type: Text
    feature_mode: Mode
    f_total: Positive
    files: dict[FileName, GateFile]
    verdict: Literal["PASS", "FAIL", "NOT JUDGED"] | None = None


class Shares(Record):
    """How the windows were split."""

    shares: Annotated[tuple[StrictFloat, ...], Field(min_length=3, max_length=3)]
    windows: dict[Literal["train", "val", "test"], Count]


class Seen(Record):
    """Facts that the validation found in a table."""

    series: Positive
    steps: Positive
    first: Text
    last: Text
    filled_targets: dict[Name, Count]
    weaknesses: tuple[Name, ...] = ()
    extrapolated_features: Names = ()


class Meta(Record):
    """The content of `meta.json`."""

    run_id: RecordId
    feature_mode: Mode
    model_type_candidates: Names
    target_cols: Annotated[Names, Field(min_length=1)]
    dynamic_covariates: Names
    static_covariates: Names
    X_shape: tuple[Count, Positive, Positive]
    y_shape: tuple[Count, Positive]
    f_total: Positive
    f_target: Positive
    horizon: Positive
    lookback: Positive
    split: Shares
    freq: Text
    step_seconds: Annotated[StrictFloat, Field(gt=0)]
    units: dict[Name, Name]
    source: Text
    source_sha256: Digest | None
    seen: Seen
    sha256: dict[Name, Digest]
    lookback_span: Positive | None = None
    choices: dict[Name, Choice] = Field(default_factory=dict)


class Index(Record):
    """The content of `index.json`."""

    files: dict[FileName, Digest]
    """Files in the same folder, with their hashes."""


class FailureRecord(Record):
    """The content of a `.failed` file."""

    message: Text
    exit_code: StrictInt
    traceback: Name = ""

    @field_validator("exit_code")
    @classmethod
    def _check_code(cls, code: int) -> int:
        if code not in exit_codes():
            raise ValueError(f"one of {sorted(exit_codes())} is needed")
        return code

    def to_failure(self) -> Failure:
        """Return the recorded failure."""
        return Failure(self.message, self.exit_code, self.traceback)


def check_record(value: Any, kind: type[Spec], source: str, made_by: str | None) -> None:
    """Refuse a value that is not a valid record of this kind.

    Raises:
        ArtifactDamagedError: Names the file, the key, the value found and the value needed.

    """
    hint = f" (make it again with: {made_by})" if made_by else ""
    kind.parse(value, ArtifactDamagedError, f"{source}{hint}: key")
