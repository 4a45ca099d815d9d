"""Forecasts of a new table with a finished run, on a copy of the project."""

import copy
import dataclasses
import functools
import hashlib
import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spline_lstm.datasets import FilesDataset, JSONDataset, ModelInputDataset, TrainedRunDataset
from spline_lstm.edge import conversion, runtime, tflite_file
from spline_lstm.edge.backends import TrainedRun
from spline_lstm.edge.contract import METADATA_KEY, make_contract
from spline_lstm.edge.forecaster import load_forecaster
from spline_lstm.edge.onnx_graph import make_onnx
from spline_lstm.errors import (
    ArtifactDamagedError,
    ArtifactMissingError,
    InsufficientDataError,
    RunIdMismatchError,
    ShapeContractError,
    ValuesError,
    own_error,
)
from spline_lstm.models.registry import MODELS
from spline_lstm.pipelines.forecasting import create_pipeline
from spline_lstm.pipelines.forecasting.nodes import forecast, forecast_tables
from spline_lstm.pipelines.modelling.nodes import describe_run, evaluate_model
from spline_lstm.pipelines.plan import RunSpec
from spline_lstm.project.parameters import GROUPS
from spline_lstm.series.preprocessor_file import dump_preprocessor, load_preprocessor

# Keras 3 turns TensorFlow variables into arrays through `__array__`, which lacks NumPy 2's copy keyword.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RUN = "trained"
SETTINGS = {"feature_mode": "multivariate", "lookback": 6, "horizon": 3, "model_type": "gru"}


@dataclass(frozen=True)
class Finished:
    """A finished run in a copy of the project, with the table it was made from."""

    workspace: Path
    table: pd.DataFrame
    predictions: pd.DataFrame

    def load(self, backend: str = "keras") -> TrainedRun:
        data = f"{self.workspace}/data"
        places = {
            "run_record": ("JSON", "08_reporting/{run_id}/run.json"),
            "model": ("Bytes", "06_models/{run_id}/model.keras"),
            "exported_models": ("Files", "06_models/{run_id}/edge"),
        }
        datasets: dict[str, dict[str, Any]] = {
            name: {"type": f"spline_lstm.datasets.{kind}Dataset", "filepath": f"{data}/{path}"}
            for name, (kind, path) in places.items()
        }
        datasets["model_input"] = {
            "type": "spline_lstm.datasets.ModelInputDataset", "filepath": f"{data}/05_model_input/{{processed_run_id}}",
            "made_by": "", "windows": {},
        }  # fmt: skip
        return TrainedRunDataset(datasets=datasets, run_id=RUN, backend=backend, run_command="kedro run").load()

    def intervals(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.workspace / f"data/08_reporting/{RUN}/intervals.json").read_text())
        return loaded

    def forecast(self, table: pd.DataFrame, backend: str = "keras") -> pd.DataFrame:
        run = self.load(backend)
        made, *_ = forecast(table, run, self.intervals(), strict=True)
        return made


@pytest.fixture(scope="module")
def finished(
    make_workspace: Callable[[], Path], make_table: Any, make_schema: Any, prepare_table: Any, make_parameters: Any
) -> Finished:
    """A run with random weights, evaluated and exported; its windows are not there any more."""
    workspace = make_workspace()
    table = make_table(steps=140, gaps={"target": [20, 130]})
    table.to_csv(workspace / "data" / "01_raw" / "weather.csv", index=False)
    data = ModelInputDataset(filepath=f"{workspace}/data/05_model_input/shared", made_by="", windows={})
    bundle = prepare_table(table, make_schema(seasonal_lags=[8]), **SETTINGS)
    meta, preprocessor = ({**part, "run_id": "shared"} for part in (bundle.meta, bundle.preprocessor))
    data.save(type(bundle)(**{**vars(bundle), "meta": meta, "preprocessor": preprocessor}))
    bundle = data.load()

    model = MODELS["gru"](6, (4,), 0.0, 1e-3, 3, len(bundle.feature_names), seed=1)
    random = np.random.default_rng(0)
    weights = model.build().get_weights()
    model.network.set_weights([w + random.normal(0, 0.3, w.shape).astype(np.float32) for w in weights])
    content = model.to_bytes()
    parameters = make_parameters(**SETTINGS, run_id=RUN, processed_run_id="shared")
    run = RunSpec(run_id=RUN, processed_run_id="shared", commit_hash=None, settings=parameters.model_dump_json())
    model_spec, training, evaluation = (parameters.part(GROUPS[name]) for name in ("model", "training", "evaluation"))
    _, _, predictions, intervals = evaluate_model(content, bundle, model_spec, evaluation, run)
    history = {"params": 1, "best_epoch": 0, "choices": {}, "train_seconds": 0.0}
    record = describe_run(content, content, history, bundle, training, run)

    contract = make_contract(bundle, content, intervals, RUN, "gru")
    loop = conversion.convert(content, ("loop",), second_route=False)["loop"]
    exported = {
        "preprocessor.pkl": dump_preprocessor(bundle.preprocessor),
        "model.onnx": make_onnx(model.network, {METADATA_KEY: contract.to_text()}),
        "model_batch1.onnx": make_onnx(model.network, {METADATA_KEY: contract.to_text()}, batch=1),
        "model.tflite": tflite_file.finish(loop, METADATA_KEY, contract.to_text()),
    }
    FilesDataset(filepath=f"{workspace}/data/06_models/{RUN}/edge").save(exported)
    (workspace / "data" / "06_models" / RUN / "model.keras").write_bytes(content)
    for name, value in (("run", record), ("intervals", intervals)):
        JSONDataset(filepath=f"{workspace}/data/08_reporting/{RUN}/{name}.json").save(value)
    for name in ("processed.npz", "meta.json"):
        (workspace / "data" / "05_model_input" / "shared" / name).unlink()
    return Finished(workspace, table, predictions)


def test_it_needs_a_table_a_run_and_its_intervals() -> None:
    assert create_pipeline().inputs() == {"later_table", "trained_run", "intervals", "params:strict"}


@pytest.mark.parametrize("number", [0, 5, -1])
def test_cut_after_an_origin_of_test_the_table_gives_the_prediction_of_that_origin(
    number: int, finished: Finished
) -> None:
    expected = finished.predictions.iloc[3 * number :].head(3)
    known = finished.table[finished.table["timestamp"] <= expected["origin"].iloc[0].tz_localize("UTC")]
    made = finished.forecast(known)
    made = made[made["series_id"] == expected["series_id"].iloc[0]]
    keys = ["series_id", "origin", "timestamp", "step", "target"]
    assert made[keys].astype(str).to_numpy().tolist() == expected[keys].astype(str).to_numpy().tolist()
    np.testing.assert_allclose(made["y_pred"], expected["y_pred"], atol=1e-5)


@pytest.mark.parametrize("backend", ["onnx", "tflite"])
def test_an_exported_file_forecasts_what_keras_does(backend: str, finished: Finished) -> None:
    through_keras, through_file = (finished.forecast(finished.table, name) for name in ("keras", backend))
    np.testing.assert_allclose(through_file["y_pred"], through_keras["y_pred"], atol=1e-4)


def test_every_series_gets_the_steps_after_its_last_target(finished: Finished) -> None:
    made = finished.forecast(finished.table, "onnx")
    last = finished.table["timestamp"].max().tz_localize(None)
    hours = (made["timestamp"] - last) / pd.Timedelta(hours=1)
    assert list(zip(made["series_id"], hours, strict=True)) == [(name, h) for name in ("EWR", "JFK") for h in (1, 2, 3)]


def test_the_interval_of_a_higher_level_holds_that_of_a_lower_one(finished: Finished) -> None:
    made = finished.forecast(finished.table, "onnx")
    ends = [made[name] for name in ("lower_95", "lower_80", "upper_80", "upper_95")]
    assert all((low < high).all() for low, high in itertools.pairwise(ends))


def test_quantiles_rise_from_one_to_the_next(finished: Finished) -> None:
    made = finished.forecast(finished.table, "onnx")
    quantiles = [made[f"q{share}"] for share in range(10, 100, 10)]
    assert all((low <= high).all() for low, high in itertools.pairwise(quantiles))


def test_intervals_are_wider_after_errors_that_were_larger(finished: Finished) -> None:
    noisy = finished.table.copy()
    calm, stormy = noisy.index[-40:-10], noisy.loc[noisy.index[-40:-10], "target"]
    noisy.loc[calm, "target"] = stormy + 40 * (-1.0) ** np.arange(30)
    widths = [
        (made["upper_80"] - made["lower_80"])[made["series_id"] == "JFK"]
        for made in (finished.forecast(table, "onnx") for table in (finished.table, noisy))
    ]
    assert (widths[1] > 1.2 * widths[0]).all()


def test_widths_that_stay_need_no_forecast_of_the_past(finished: Finished, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    stays = finished.intervals() | {"half_life": None}
    made, *_ = forecast(finished.table, finished.load("onnx"), stays, strict=True)
    expected = finished.intervals()["targets"]["target"]["multiples"]
    mean = stays["targets"]["target"]["series"]["EWR"]["mean"]
    widths = (made["upper_80"] - made["lower_80"])[made["series_id"] == "EWR"]
    relative = widths.to_numpy() / mean / (np.array(expected[-2]) - expected[1])
    np.testing.assert_allclose(relative, relative[0])
    assert "series forecast from" in caplog.text
    assert "history" not in caplog.text


@pytest.mark.parametrize("backend", ["onnx", "tflite"])
def test_an_exported_file_has_the_intervals_of_keras(backend: str, finished: Finished) -> None:
    through_keras, through_file = (finished.forecast(finished.table, name) for name in ("keras", backend))
    for name in ("lower_80", "q30", "upper_95"):
        np.testing.assert_allclose(through_file[name], through_keras[name], atol=1e-3)


def test_a_series_that_the_run_has_not_tested_is_named(finished: Finished, caplog: pytest.LogCaptureFixture) -> None:
    later = finished.table.replace({"station": {"JFK": "LGA"}})
    made = finished.forecast(later, "onnx")
    assert np.isfinite(made["lower_80"]).all()
    assert "intervals of 1 series that the run has not tested begin with pooled widths: LGA" in caplog.text


@pytest.mark.parametrize("length", [11, 12])
def test_too_little_history_leaves_the_widths_of_the_run(
    length: int, finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    finished.forecast(finished.table.groupby("station").tail(length), "onnx")
    assert "intervals of 2 series rest on the run: too little history for forecasts of it: EWR, JFK" in caplog.text


def test_damaged_intervals_are_refused(finished: Finished, refuses: Any) -> None:
    damaged = finished.intervals()
    damaged["targets"]["target"]["pooled"][0] = -1.0
    with refuses(ArtifactDamagedError, 21, "intervals.json of run 'trained'", "key 'targets.target.pooled.0' is -1.0"):
        forecast(finished.table, finished.load("onnx"), damaged, strict=True)


def test_intervals_of_another_training_are_refused(finished: Finished, refuses: Any) -> None:
    run = finished.load("onnx")
    with refuses(RunIdMismatchError, 23, "the intervals of run 'trained' belong to another training"):
        forecast(finished.table, run, finished.intervals() | {"model_sha256": "0"}, strict=True)


def test_an_export_of_another_training_is_refused(finished: Finished, refuses: Any) -> None:
    run = finished.load("onnx")
    later = dataclasses.replace(run, record=run.record | {"sha256": {"model.keras": "0"}})
    with refuses(RunIdMismatchError, 23, "model.onnx was exported from another training than that of run 'trained'"):
        forecast(finished.table, later, finished.intervals() | {"model_sha256": "0"}, strict=True)


@pytest.fixture
def folder(finished: Finished, tmp_path: Path) -> Path:
    """A copy of the run's exported files, which is all that an application needs."""
    return Path(shutil.copytree(finished.workspace / "data" / "06_models" / RUN / "edge", tmp_path / "copied"))


@pytest.mark.parametrize("name", ["model.onnx", "model_batch1.onnx", "model.tflite"])
def test_an_application_gets_the_forecasts_of_the_pipeline(name: str, finished: Finished, folder: Path) -> None:
    made = load_forecaster(folder, name).forecast(finished.table)
    pd.testing.assert_frame_equal(made, finished.forecast(finished.table, name.rpartition(".")[2]))


def test_one_forecaster_takes_one_table_after_another_and_leaves_them_as_they_are(
    finished: Finished, folder: Path
) -> None:
    forecaster, before = load_forecaster(folder), finished.table.copy()
    first = forecaster.forecast(finished.table)
    alone = forecaster.forecast(finished.table[finished.table["station"] == "JFK"])
    np.testing.assert_allclose(alone["y_pred"], first.loc[first["series_id"] == "JFK", "y_pred"], rtol=1e-5)
    pd.testing.assert_frame_equal(forecaster.forecast(finished.table), first)
    pd.testing.assert_frame_equal(finished.table, before)


def test_an_application_needs_neither_tensorflow_nor_kedro(finished: Finished, folder: Path) -> None:
    finished.table.to_parquet(folder / "table.parquet")
    code = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["kedro"] = None  # importing any of them fails
import pandas as pd
from spline_lstm.edge.forecaster import load_forecaster
print(load_forecaster(".").forecast(pd.read_parquet("table.parquet")).shape)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("(6, 19)", "")


def test_a_table_that_cannot_be_forecast_is_refused_in_an_application(
    finished: Finished, folder: Path, refuses: Any
) -> None:
    table = finished.table.copy()
    table.loc[5, "target"] = np.inf
    with refuses(ValuesError, 12, "row 7, column 'target': the value is infinite"):
        load_forecaster(folder).forecast(table)


def edit_preprocessor(folder: Path, **changes: Any) -> None:
    """Leave another preprocessor in a folder without an index, as if files were copied one by one."""
    (folder / "index.json").unlink()
    path = folder / "preprocessor.pkl"
    path.write_bytes(dump_preprocessor(load_preprocessor(path.read_bytes(), path.name) | changes))


def test_a_folder_without_preprocessor_is_refused(folder: Path, refuses: Any) -> None:
    (folder / "preprocessor.pkl").unlink()
    with refuses(ArtifactMissingError, 20, "preprocessor.pkl is missing; make it with: kedro run --pipeline=edge_poc"):
        load_forecaster(folder)


def test_a_preprocessor_that_the_index_does_not_describe_is_refused(folder: Path, refuses: Any) -> None:
    (folder / "preprocessor.pkl").write_bytes(dump_preprocessor({}))
    with refuses(ArtifactDamagedError, 21, "preprocessor.pkl is not the file that index.json beside it describes"):
        load_forecaster(folder)


def test_a_preprocessor_of_another_run_is_refused(folder: Path, refuses: Any) -> None:
    edit_preprocessor(folder, run_id="another")
    with refuses(RunIdMismatchError, 23, "preprocessor.pkl is of 'another', and model.onnx of 'shared'"):
        load_forecaster(folder)


def test_a_preprocessor_of_other_windows_is_refused(finished: Finished, folder: Path, refuses: Any) -> None:
    windows = finished.load("onnx").preprocessor.windows.model_dump(mode="json") | {"lookback": 7, "lookback_span": 7}
    edit_preprocessor(folder, windows=windows, past_ages=None)
    with refuses(ShapeContractError, 22, "model.onnx is of other windows than run 'trained'; export it again"):
        load_forecaster(folder)


@pytest.fixture(scope="module")
def typed(finished: Finished) -> subprocess.CompletedProcess[str]:
    """The pipeline as from the command line, through both formats, where files hold a setting that is not the run's."""
    local = finished.workspace / "conf" / "local"
    local.mkdir(exist_ok=True)
    (local / "parameters.yml").write_text("lookback: 9\n")
    code = f"""
import sys
from spline_lstm.__main__ import main
for backend in ("onnx", "tflite"):
    params = f"run_id={RUN},input_path=data/01_raw/weather.csv,backend={{backend}}"
    main(["--pipeline=forecasting", "--params", params], standalone_mode=False)
    print(backend, [name for name in ("tensorflow", "keras") if name in sys.modules])
"""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=finished.workspace, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_command_forecasts_without_tensorflow(typed: subprocess.CompletedProcess[str]) -> None:
    assert typed.returncode == 0, typed.stderr
    assert {"onnx []", "tflite []"} <= set(typed.stdout.splitlines())


def test_the_run_decides_about_all_but_run_table_and_backend(
    typed: subprocess.CompletedProcess[str], finished: Finished
) -> None:
    (folder,) = (finished.workspace / "data" / "07_model_output" / RUN / "forecasts").glob("weather-*")
    made = pd.read_parquet(folder / "forecast.parquet")
    pd.testing.assert_frame_equal(made, finished.forecast(finished.table, "tflite"))
    assert list(pd.read_csv(folder / "forecast.csv").columns) == list(made.columns)
    assert "data" in json.loads((folder / "forecast.plotly.json").read_text())


def test_forecasts_of_two_tables_stand_beside_each_other_and_may_have_names(finished: Finished) -> None:
    table = finished.workspace / "data" / "01_raw" / "weather.csv"
    other = table.with_name("other.csv")
    shutil.copy(table, other)
    for params in (f"input_path={other}", f"input_path={other},forecast_id=mine"):
        command = [sys.executable, "-m", "kedro", "run", "--pipeline=forecasting", "--params"]
        done = subprocess.run(
            [*command, f"run_id={RUN},backend=onnx,{params}"],
            cwd=finished.workspace, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    names = {
        path.parent.name for path in finished.workspace.glob(f"data/07_model_output/{RUN}/forecasts/*/forecast.csv")
    }
    assert {"mine"} < names
    assert any(name.startswith("other-") for name in names)


@pytest.fixture(scope="module")
def many(finished: Finished) -> "subprocess.CompletedProcess[str]":
    """The pipeline for three tables, of which the second cannot be read."""
    folder = finished.workspace / "data" / "01_raw" / "later"
    folder.mkdir()
    finished.table.to_csv(folder / "a.csv", index=False)
    finished.table.head(30).assign(target="x").to_csv(folder / "b.csv", index=False)
    finished.table.head(130).to_csv(folder / "c.csv", index=False)
    command = [sys.executable, "-m", "kedro", "run", "--pipeline=forecasting", "--params"]
    return subprocess.run(
        [*command, f"run_id={RUN},backend=onnx,input_path=data/01_raw/later/*.csv"],
        cwd=finished.workspace, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_of_many_tables_each_gets_its_own_forecast(
    many: "subprocess.CompletedProcess[str]", finished: Finished
) -> None:
    forecasts = finished.workspace / "data" / "07_model_output" / RUN / "forecasts"
    for name, table in (("a", finished.table), ("c", finished.table.head(130))):
        (folder,) = forecasts.glob(f"{name}-??????")
        pd.testing.assert_frame_equal(pd.read_parquet(folder / "forecast.parquet"), finished.forecast(table, "onnx"))
        kinds = {"forecast.parquet", "forecast.csv", "forecast.plotly.json", "drift.json"}
        assert {path.name for path in folder.iterdir()} == kinds
    assert not list(forecasts.glob("b-*"))


def test_a_table_without_forecast_is_named_when_all_others_are_done(many: "subprocess.CompletedProcess[str]") -> None:
    assert (many.returncode, many.stderr.count("\n")) == (10, 1)
    assert many.stderr.startswith("Error: data/01_raw/later/b.csv row 2, column 'target': 'x' is not a number")
    assert "; 1 of 3 tables have no forecast: b-" in many.stderr


def test_the_model_is_opened_once_for_all_tables(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, refuses: Any
) -> None:
    opened: list[str] = []
    open_onnx = runtime.open_onnx
    monkeypatch.setattr(runtime, "open_onnx", lambda *given: opened.append("model") or open_onnx(*given))
    tables = {"one": lambda: finished.table, "short": lambda: finished.table.head(3), "two": lambda: finished.table}
    made = {}
    with refuses(InsufficientDataError, 26, "; 1 of 3 tables have no forecast: short"):
        for chunk in forecast_tables(tables, finished.load("onnx"), finished.intervals(), strict=False):
            made |= chunk
    assert (list(made), opened) == (["one", "two"], ["model"])


EDITS: dict[str, Any] = {
    "null": None, "a list": [], "an object": {}, "text": "x", "true": True, "negative": -1, "zero": 0,
    "infinite": 1e999, "many digits": 10**30, "a path": "../../other", "nested": [[[[]]]], "huge": 1e300, "absent": ...,
}  # fmt: skip


def edits_of(record: Any, deepest: int) -> Iterator[tuple[str, Any]]:
    """Yield a name and an edited copy of a record, for every value down to a depth and some edits, all in a soak."""

    def paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        parts = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
        for name, part in parts if len(path) < deepest else ():
            yield (*path, name)
            yield from paths(part, (*path, name))

    some = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 4
    for number, path in enumerate(paths(record, ())):
        for label, edit in list(EDITS.items())[number % some :: some]:  # each value in turn gets other ones
            edited = copy.deepcopy(record)
            inner = functools.reduce(lambda value, name: value[name], path[:-1], edited)
            if edit is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = edit
            yield f"{'.'.join(map(str, path))}: {label}", edited


READ = {
    "run.json": ("08_reporting/trained/run.json", 2),
    "intervals.json": ("08_reporting/trained/intervals.json", 5),
    "index.json": ("06_models/trained/edge/index.json", 1),
    "preprocessor.pkl": ("05_model_input/shared/preprocessor.pkl", 3),
}  # fmt: skip
"""What a forecast reads, and how deep it is edited."""
HARMLESS = ("fills", "table", "feature_schema", "has_offsets", "time_format", "series_id_cols")
"""What says how a table is read: another value reads it otherwise, or refuses it."""


@pytest.mark.parametrize("name", READ)
@pytest.mark.filterwarnings("ignore")
def test_whatever_is_edited_in_a_record_no_other_forecast_is_given(
    name: str, finished: Finished, tmp_path: Path
) -> None:
    for part in ("05_model_input", "06_models", "08_reporting"):
        shutil.copytree(finished.workspace / "data" / part, tmp_path / "data" / part)
    run = dataclasses.replace(finished, workspace=tmp_path)
    expected = run.forecast(finished.table, "onnx")
    path, record_path = (tmp_path / "data" / place for place in (READ[name][0], READ["run.json"][0]))
    is_pickle = name.endswith(".pkl")
    original = pickle.loads(path.read_bytes()) if is_pickle else json.loads(path.read_bytes())
    record = json.loads(record_path.read_bytes())
    wrong = []
    for edit, edited in edits_of(original, READ[name][1]):
        content = pickle.dumps(edited) if is_pickle else json.dumps(edited).encode()
        path.write_bytes(content)
        if is_pickle:
            record["processed_sha256"]["preprocessor.pkl"] = hashlib.sha256(content).hexdigest()
            record_path.write_text(json.dumps(record))
        try:
            made = run.forecast(finished.table, "onnx")
        except Exception as error:
            if own_error(error).exit_code == 70:
                wrong.append(f"{edit}: {error!r}"[:200])
            continue
        if not made.equals(expected) and not edit.startswith(HARMLESS) and not is_of_same_kind(edit):
            wrong.append(f"{edit}: another forecast")
    assert wrong == []


def is_of_same_kind(edit: str) -> bool:
    """Tell whether an edit leaves what might stand there: nothing tells it from what the run has learnt."""
    return edit.endswith((": zero", ": negative", ": null", ": absent", "nonnegative: true", ".series: an object"))


@pytest.mark.parametrize("moved", [False, True])
def test_a_table_that_drifts_is_told_once_and_shown_and_another_one_is_not(
    moved: bool, finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    table = finished.table.assign(target=finished.table["target"] + (500 if moved else 0))
    *_, figure, drift = forecast(table, finished.load("onnx"), finished.intervals(), strict=True)
    told = [message for message in caplog.messages if "beyond all such means of the training part" in message]
    assert len(told) == moved
    assert all("target by +" in message for message in told)
    assert (drift["columns"]["target"]["drift"] > 0) == moved
    assert ("Drift" in str(figure.layout.updatemenus)) == moved
