"""The input contract of an exported file: enough to use the file alone with raw values."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from spline_lstm.edge.contract_record import ContractRecord
from spline_lstm.errors import ArtifactDamagedError, ParameterError, RunIdMismatchError, ShapeContractError
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.scaling import SeriesScalers
from spline_lstm.strict_json import parse_json
from spline_lstm.text import examples, shorten
from spline_lstm.types import Float32, Float64

CONTRACT_FILE = "contract.json"
METADATA_KEY = "spline_lstm"
CONTRACT_VERSION = "edge.v2"

_MISSING_VALUES = {
    "target": "a gap of at most max_gap steps is filled by a spline; a straight line is good enough for a short one",
    "covariate": "keeps its last known value; before its first value it is 0 after scaling",
    "before_first_step": "the first step of a series stands for the steps before it",
    "unknown_category": "its code is zeros, and forecasts are kept within target_range",
}
_IDS = ("run_id", "processed_run_id", "model_sha256")


@dataclass(frozen=True)
class EdgeContract:
    """The input contract of an exported file.

    If `series_scalers` is not empty, each series' targets and their lags have their own centre and scale, and the file
    alone cannot forecast another series.

    `ages` maps each feature to the steps from each row of the window to the origin, the oldest first. `scalers` maps
    each feature to its `center` and `scale`: `scaled = (raw - center) / scale`. A categorical feature is fed as its
    rank in `categories` (from 1), divided by their number. The channels of a static covariate are fed as the code of
    its category in `static_codes`. A name that ends in `_lead24` holds the value 24 steps later, `target_lag168` the
    target 168 steps before the step that it describes (`horizon` steps later); calendar features are computed in UTC.
    """

    run_id: str
    """The run that trained the model."""
    processed_run_id: str
    """Id of the preprocessed data of the training."""
    model_type: str
    """`lstm`, `gru`, ..."""
    model_sha256: str
    """Hash of the exported `model.keras`."""
    lookback: int
    """Rows of the input window."""
    horizon: int
    """Steps of the forecast."""
    freq: str | None
    """The step, as a pandas offset."""
    step_seconds: float | None
    """The step in seconds; None for months and other steps of varying length."""
    steps_kept: int
    """Steps back to the oldest value that a window shows."""
    steps_needed: int
    """Steps that a series must have. With fewer than `steps_kept`, its first step replaces the missing earlier ones."""
    max_gap: int | None
    """Longest gap in a target that training filled, in steps, by a modified Akima spline. A covariate without a value
    keeps its last one; before its first value it is 0 after scaling."""
    feature_order: list[str]
    """Names of the columns of the window."""
    target_indices: list[int]
    """Positions of the targets, in the order of the outputs."""
    ages: dict[str, list[int]]
    """Feature to the age of each row: its steps to the origin."""
    scalers: dict[str, dict[str, Any]]
    """Feature to `center` and `scale`; a feature without an entry is fed as it is."""
    units: dict[str, str]
    """Column to unit."""
    static_codes: dict[str, dict[str, list[float]]]
    """Static covariate to the code of each category."""
    static_columns: dict[str, list[str]]
    """Static covariate to the features of its code."""
    target_range: list[list[float]] | None
    """Least and greatest scaled value of each target in training. If one of the static categories of a series has no
    code, its forecast is kept within this range. None without static covariates.
    """
    regression_only: bool = False
    """Whether the best epoch was 0: then the file holds the regression alone, because the stack adds nothing."""
    intervals: dict[str, Any] = field(default_factory=dict)
    """The prediction intervals, as in the run's `intervals.json`: multiples of running scaled errors."""
    series_scalers: SeriesScalers = field(default_factory=dict)
    """Target to series to its centre and scale; empty where all series share the scaler of the target."""
    missing_values: dict[str, str] = field(default_factory=_MISSING_VALUES.copy)
    """How missing values are replaced, in words."""
    schema_version: str = CONTRACT_VERSION
    """Version of this contract."""

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the targets, in the order of the outputs."""
        return tuple(self.feature_order[index] for index in self.target_indices)

    def to_text(self) -> str:
        """Return the contract as JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_text(cls, text: str | None, source: str) -> Self:
        """Read a contract.

        Raises:
            ArtifactDamagedError: The contract is missing, has another version, or is damaged.

        """
        none = ArtifactDamagedError(f"{source} carries no input contract of this project; export it again")
        try:
            values = parse_json(text or "")
            version = values["schema_version"]
        except (ValueError, TypeError, LookupError):
            raise none from None
        if version != CONTRACT_VERSION:
            raise ArtifactDamagedError(f"{source} has the contract version {shorten(version)}; export it again")
        ContractRecord.parse(values, ArtifactDamagedError, f"{source} (export it again): input contract's")
        try:
            return cls(**values)
        except TypeError:  # an unknown field
            raise none from None

    def scale(self, window: Float64, series: str | None = None) -> Float32:
        """Scale a raw window, `(lookback, features)`, to an input of batch 1.

        Args:
            window: Features in their own units.
            series: Name of the series; needed if each series has its own scale.

        Raises:
            ShapeContractError: The window has another shape, or holds values that are not finite.
            ParameterError: The series is not named, or is not in the contract.

        """
        needed = (self.lookback, len(self.feature_order))
        if window.shape != needed or not np.isfinite(window).all():
            raise ShapeContractError(f"a finite window of shape {needed} is needed; found {window.shape}")
        center, scale = self._scaling(self.feature_order, series)
        scaled: Float32 = ((window - center) / scale).astype(np.float32)[None]
        return scaled

    def unscale(self, forecast: Float32, series: str | None = None) -> Float64:
        """Convert an output of batch 1 to the targets' units, `(horizon, targets)`; arguments as for `scale`."""
        center, scale = self._scaling(list(self.target_names), series)
        steps: Float64 = forecast.reshape(self.horizon, -1).astype(np.float64) * scale + center
        return steps

    def _scaling(self, names: list[str], series: str | None) -> tuple[Float64, Float64]:
        own = self._own_scalers(series)
        # A feature without a scaler, such as a calendar feature or a static code, stays unchanged.
        states = [own.get(name, self.scalers.get(name, {})) for name in names]
        return (
            np.array([state.get("center", 0.0) for state in states]),
            np.array([state.get("scale", 1.0) for state in states]),
        )

    def _own_scalers(self, series: str | None) -> dict[str, dict[str, float]]:
        """Return the scalers of one series' targets and of their lags, by feature."""
        own: dict[str, dict[str, float]] = {}
        for target, of_series in self.series_scalers.items():
            if series not in of_series:
                found = f"series '{series}' is not in the contract" if series else "each series has its own scale"
                raise ParameterError(f"{found}; name one of: {examples(of_series)}")
            center, scale = of_series[series]
            lags = [name for name in self.feature_order if lag_of(name, (target,)) is not None]
            own |= {name: {"center": center, "scale": scale} for name in (target, *lags)}
        return own


def make_contract(
    model_input: ModelInput,
    model_file: bytes,
    intervals: dict[str, Any],
    run_id: str,
    model_type: str,
    *,
    regression_only: bool = False,
) -> EdgeContract:
    """Collect the contract of the model in `model_file`, trained on `model_input`.

    Raises:
        RunIdMismatchError: The intervals belong to another training.

    """
    digest = hashlib.sha256(model_file).hexdigest()
    if intervals["model_sha256"] != digest:
        raise RunIdMismatchError(f"the intervals of run '{run_id}' belong to another training; run its modelling again")
    state, names = model_input.preprocessor, list(model_input.feature_names)
    ages = dict(zip(names, model_input.ages.T.tolist(), strict=True))
    lookback, horizon = model_input.lookback, model_input.horizon
    behind = {name: (lag_of(name, model_input.target_names) or horizon) - horizon for name in names}
    return EdgeContract(
        run_id=run_id,
        processed_run_id=model_input.processed_id,
        model_type=model_type,
        model_sha256=digest,
        lookback=lookback,
        horizon=horizon,
        freq=model_input.meta.get("freq"),
        step_seconds=model_input.meta.get("step_seconds"),
        steps_kept=max(max(ages[name]) + 1 + behind[name] for name in names),
        steps_needed=lookback + max(behind.values()),
        max_gap=state.get("fills", {}).get("max_gap"),
        feature_order=names,
        target_indices=list(model_input.target_indices),
        ages=ages,
        scalers=state["scalers"],
        units=model_input.meta.get("units", {}),
        static_codes=state.get("static_codes", {}),
        static_columns={
            name: [f"{name}_{place}" for place in range(len(next(iter(codes.values()), ())))]
            for name, codes in state.get("static_codes", {}).items()
        },
        target_range=state.get("target_range"),
        regression_only=regression_only,
        intervals={name: value for name, value in intervals.items() if name not in _IDS},
        series_scalers=model_input.series_scalers,
    )


def lag_of(feature: str, targets: tuple[str, ...]) -> int | None:
    """Return the lag of a feature that is a seasonal lag; None for any other feature."""
    found = (re.fullmatch(rf"{re.escape(target)}_lag(\d+)", feature) for target in targets)
    return next((int(match[1]) for match in found if match), None)
