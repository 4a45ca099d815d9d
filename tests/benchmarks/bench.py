"""What a user waits for, each as a ratio of two things that are done in turn: `make bench` writes `docs/bench.md`.

Nothing else may run on the machine meanwhile. Whole commands are timed from start to end; their memory is the largest
resident set of the process. `PEERS=/path/to/python`, one that has neuralforecast and darts, adds their models.
"""

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spline_lstm.reporting.markdown import table as markdown_table

PROJECT = Path(__file__).parents[2]
KEDRO = str(Path(sys.executable).parent / "kedro")
REPORT = PROJECT / "docs" / "bench.md"
SCHEMA = """
{"version": "phase5.v1", "timestamp_col": "timestamp", "target_cols": ["target"],
 "dynamic_covariates": [{"name": "one"}, {"name": "two"}, {"name": "three"}],
 "calendar_features": {"features": ["hour_sin", "hour_cos", "dow_sin", "dow_cos"], "known_future": true},
 "static_covariates": [{"name": "station", "dim": 3}],
 "missing_policy": {"target": "interpolate_then_drop_if_remaining",
                    "dynamic_covariates": "ffill_bfill_then_zero", "static_covariates": "unknown_token"}}
"""
LARGE = "covariate_spec=large.schema.json,feature_mode=multivariate,series_id_cols=station"


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was measured, against what, and what was hoped for."""

    what: str
    found: str
    against: str
    ratio: float
    hoped: str

    def row(self) -> list[str]:
        """Cells of the table."""
        return [self.what, self.found, self.against, f"{self.ratio:.2f}", self.hoped]


def timed(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command; returns its seconds and its largest resident set in bytes."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(f"{' '.join(command)}: {process.stderr.read().decode()}")  # type: ignore[union-attr]
    return seconds, usage.ru_maxrss * 1024.0


def in_turn(first: Callable[[], float], second: Callable[[], float], times: int) -> tuple[float, float]:
    """Medians of two measurements that alternate, so that a slow minute of the machine meets both."""
    pairs = [(first(), second()) for _ in range(times)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def make_workspace(folder: Path) -> Path:
    """Lay out the project's configuration and data without its results."""
    shutil.copytree(PROJECT / "conf", folder / "conf")
    shutil.copytree(PROJECT / "data" / "01_raw", folder / "data" / "01_raw")
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT / name, folder / name)
    (folder / "src").mkdir()
    (folder / "large.schema.json").write_text(SCHEMA)
    return folder


def make_empty_project(folder: Path) -> Path:
    """Make a Kedro project of one node that does nothing."""
    files = {
        "pyproject.toml": """
            [tool.kedro]
            package_name = "empty"
            project_name = "empty"
            kedro_init_version = "1.7.0"
            source_dir = "src"
        """,
        "src/empty/__init__.py": "",
        "src/empty/settings.py": "",
        "src/empty/pipeline_registry.py": """
            from kedro.pipeline import Node, Pipeline

            def nothing() -> str:
                return ""

            def register_pipelines():
                return {"__default__": Pipeline([Node(nothing, None, "nothing", name="nothing")])}
        """,
        "conf/base/catalog.yml": "",
        "conf/local/.gitkeep": "",
        "conf/logging.yml": (PROJECT / "conf" / "logging.yml").read_text(),
        ".telemetry": "consent: false\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def measure_start_up(workspace: Path, empty: Path) -> list[Finding]:
    """A run that finds everything done, and one that is refused, against an empty Kedro project."""
    timed([KEDRO, "run"], workspace)
    nothing = [KEDRO, "run", "--only-missing-outputs"]
    refused = [sys.executable, "-c", _EXPECT_REFUSAL.format(command=[KEDRO, "run", "--params=input_path=none.csv"])]
    done, bare = in_turn(lambda: timed(nothing, workspace)[0], lambda: timed([KEDRO, "run"], empty)[0], 7)
    refusal, done_again = in_turn(lambda: timed(refused, workspace)[0], lambda: timed(nothing, workspace)[0], 7)
    return [
        Finding("`kedro run` with nothing to do", f"{done:.2f} s", f"an empty Kedro project: {bare:.2f} s",
                done / bare, "≤ 1.2"),
        Finding("bad input refused", f"{refusal:.2f} s", f"`kedro run` with nothing to do: {done_again:.2f} s",
                refusal / done_again, "≤ 1.5"),
    ]  # fmt: skip


_EXPECT_REFUSAL = "import subprocess as s; assert s.run({command}, capture_output=True).returncode == 10"


def measure_modelling(workspace: Path) -> list[Finding]:
    """`kedro run --pipeline=modelling` against a bare script that imports Keras and fits the same model."""
    settings = (
        "linear_path=none,link=identity,normalization=none,learning_rate=0.001,epochs=10,early_stopping_patience=10"
    )
    timed([KEDRO, "run", "--pipeline=preprocessing", "--params", f"{settings},run_id=bench"], workspace)
    command = [KEDRO, "run", "--pipeline=modelling", "--params", f"{settings},run_id=bench"]
    (workspace / "bare.py").write_text(textwrap.dedent(_BARE_SCRIPT))
    bare = [sys.executable, "bare.py"]
    ours, theirs = in_turn(lambda: timed(command, workspace)[0], lambda: timed(bare, workspace)[0], 5)
    against = f"a bare script that imports Keras and fits: {theirs:.1f} s"
    return [Finding("`kedro run --pipeline=modelling`, ten epochs", f"{ours:.1f} s", against, ours / theirs, "≤ 1.25")]


_BARE_SCRIPT = """
    import os
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np

    with np.load("data/05_model_input/bench/processed.npz") as file:
        X, y, split = file["X"], file["y"], file["window_split"]
    keras.utils.set_random_seed(42)
    inputs = keras.Input(X.shape[1:])
    state = keras.layers.Dropout(0.2)(keras.layers.LSTM(64)(inputs))
    network = keras.Model(inputs, keras.layers.Dense(y.shape[1])(state))
    network.compile(optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0), loss="mse")
    network.fit(X[split == 0], y[split == 0], validation_data=(X[split == 1], y[split == 1]), epochs=10,
                batch_size=256, verbose=0)
    network.predict(X[split == 2], batch_size=1024, verbose=0)
    network.save("bare.keras")
"""


def measure_preprocessing(workspace: Path) -> list[Finding]:
    """One and ten million rows, against reading and sorting the same table."""
    found = []
    seconds, bytes_of = {}, {}
    for series in (100, 1_000):
        path = workspace / f"large{series}.parquet"
        # Not in this process: what it holds would count as the memory of those that it starts.
        timed([sys.executable, "-c", _MAKE_TABLE.format(series=series, path=path)], PROJECT)
        command = [
            KEDRO,
            "run",
            "--pipeline=preprocessing",
            "--params",
            f"input_path={path.name},{LARGE},run_id={path.stem}",
        ]
        read = [sys.executable, "-c", _READ_AND_SORT.format(path=path.name)]
        runs: list[tuple[float, float]] = []
        ours, theirs = in_turn(
            lambda command=command, runs=runs: _keep(runs, timed(command, workspace)),  # type: ignore[misc]
            lambda read=read: timed(read, workspace)[0],  # type: ignore[misc]
            3,
        )
        seconds[series], bytes_of[series] = ours, max(peak for _, peak in runs)
        what = f"preprocessing, {series * 10_000:,} rows"
        against = f"`pandas.read_parquet` and a sort: {theirs:.1f} s"
        found.append(Finding(what, f"{ours:.1f} s", against, ours / theirs, "≤ 10"))
    scaled = 1_000 * 10_000 * 8 * 4
    found.append(
        Finding("the same, memory", f"{bytes_of[1_000] / 1e9:.2f} GB", f"`scaled`: {scaled / 1e9:.2f} GB",
                bytes_of[1_000] / scaled, "≤ 6")
    )  # fmt: skip
    found.append(
        Finding("the same, from 1 to 10 million rows", f"{seconds[1_000]:.1f} s", f"{seconds[100]:.1f} s",
                seconds[1_000] / seconds[100], "≤ 12")
    )  # fmt: skip
    return found


_MAKE_TABLE = (
    "from tests.benchmarks.bench import make_large_table; "
    "make_large_table({series}, 10_000).to_parquet('{path}', index=False)"
)
_READ_AND_SORT = "import pandas as pd; pd.read_parquet('{path}').sort_values(['station', 'timestamp'])"


def _keep(runs: list[tuple[float, float]], run: tuple[float, float]) -> float:
    runs.append(run)
    return run[0]


def make_large_table(series: int, hours: int) -> pd.DataFrame:
    """Many hourly series with three covariates; one target in a hundred is missing."""
    random = np.random.default_rng(0)
    rows = series * hours
    hour = np.tile(np.arange(hours), series)
    stamps = np.tile(pd.date_range("2023-01-01", periods=hours, freq="h").to_numpy(), series)
    codes = np.repeat(np.arange(series), hours)
    station = pd.Categorical.from_codes(codes, [f"s{number:04d}" for number in range(series)])
    target = np.round(50 + 10 * np.sin(2 * np.pi * hour / 24) + random.normal(size=rows), 2)
    target[(random.random(rows) < 0.01) & (hour > 0) & (hour < hours - 1)] = np.nan
    covariates = {name: np.round(random.normal(size=rows), 2) for name in ("one", "two", "three")}
    return pd.DataFrame({"timestamp": stamps, "station": station.astype(str), "target": target, **covariates})


def measure_large_training(workspace: Path) -> list[Finding]:
    """Training on ten million rows, whose windows are cut as they are needed; needs `measure_preprocessing` before."""
    settings = f"input_path=large1000.parquet,{LARGE},run_id=large1000,epochs=1,learning_rate=0.001,stride=7"
    timed([KEDRO, "run", "--pipeline=preprocessing", "--params", settings], workspace)
    command = [KEDRO, "run", "--pipeline=modelling", "--nodes=train_model", "--params", settings]
    _, peak = timed(command, workspace)
    scaled = 1_000 * 10_000 * 8 * 4
    limit = 2 * scaled + 1.5e9
    against = f"twice `scaled` and 1.5 GB: {limit / 1e9:.2f} GB"
    return [Finding("training on 10,000,000 rows, memory", f"{peak / 1e9:.2f} GB", against, peak / limit, "≤ 1")]


def measure_steps(workspace: Path) -> list[Finding]:
    """A training epoch on uncut windows, on cut ones, and as Keras fits; then a stock LSTM's."""
    from spline_lstm.datasets.model_input import ModelInputDataset
    from spline_lstm.models.backend import load_keras
    from spline_lstm.models.registry import MODELS
    from spline_lstm.models.training import _make_epoch, masked_mse_loss

    keras = load_keras()
    place = str(workspace / "data" / "05_model_input" / "bench")
    data = ModelInputDataset(filepath=place, made_by="", windows={}).load()
    rows = data.windows_of(0)
    uncut = (data.X.at(rows), data.y.at(rows))
    cut = (data.X[rows], np.nan_to_num(data.y[rows]))
    order = np.random.default_rng(0).permutation(len(rows))

    def network() -> Any:
        model = MODELS["lstm"](data.lookback, (64,), 0.2, 1e-3, data.y.shape[1], len(data.feature_names))
        built = model.build()
        built.compile(optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0), loss=masked_mse_loss)
        return built

    epochs = [_make_epoch(network(), windows, 256, lambda _: None) for windows in (uncut, cut)]
    stock = network()

    def fit() -> None:
        stock.fit(*cut, batch_size=256, epochs=1, verbose=0, shuffle=True)

    works = [lambda: epochs[0](order), lambda: epochs[1](order), fit]
    for work in works:
        work()  # compiled once
    steps = int(np.ceil(len(rows) / 256))
    on_uncut, on_cut = in_turn(lambda: _seconds(works[0]), lambda: _seconds(works[1]), 7)
    ours, keras_fit = in_turn(lambda: _seconds(works[0]), lambda: _seconds(works[2]), 7)
    per = 1e3 / steps
    return [
        Finding("a training step on windows cut as they are needed", f"{on_uncut * per:.1f} ms",
                f"on stored windows: {on_cut * per:.1f} ms", on_uncut / on_cut, "≤ 1.1"),
        Finding("a training step (LSTM of 64, batch 256)", f"{ours * per:.1f} ms",
                f"a stock Keras `fit`: {keras_fit * per:.1f} ms", ours / keras_fit, "≤ 0.95"),
    ]  # fmt: skip


def measure_matrix(workspace: Path) -> list[Finding]:
    """The training part of the benchmark on two workers against one after another."""
    command = [KEDRO, "run", "--pipeline=benchmarking", "--to-outputs"]
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(workspace)
    with KedroSession.create(workspace) as session:
        session.load_context()
        from spline_lstm.pipelines.plan import current_plan

        reports = ",".join(f"{cell.run_id}.report" for cell in current_plan().cells)
    found: dict[str, list[tuple[float, float]]] = {}
    for runner in ("ParallelRunner", "SequentialRunner"):
        for layer in ("03_primary", "05_model_input", "06_models", "07_model_output", "08_reporting"):
            shutil.rmtree(workspace / "data" / layer, ignore_errors=True)
        options = [f"--runner={runner}", *(["--runner-params=max_workers=2"] if runner == "ParallelRunner" else [])]
        found[runner] = [timed([*command, reports, *options], workspace)]
    (parallel, peak), (sequential, _) = found["ParallelRunner"][0], found["SequentialRunner"][0]
    what = f"training of the 12 cells on two workers (at most {peak / 1e9:.1f} GB each)"
    return [
        Finding(what, f"{parallel:.0f} s", f"one after another: {sequential:.0f} s", parallel / sequential, "≤ 0.65")
    ]


def measure_inference(workspace: Path) -> list[Finding]:
    """What the function of the gate adds to the runtimes' own calls."""
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    from spline_lstm.edge.runtime import open_onnx, open_tflite

    folder = next((workspace / "data" / "06_models").glob("*/edge"))
    onnx, tflite = ((folder / f"model.{kind}").read_bytes() for kind in ("onnx", "tflite"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    name, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    shape = [size if isinstance(size, int) else 1 for size in session.get_inputs()[0].shape]
    window = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    interpreter = Interpreter(model_content=tflite, num_threads=1)
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def bare_tflite() -> None:
        interpreter.set_tensor(given, window)
        interpreter.invoke()
        interpreter.get_tensor(made)

    run_onnx, run_tflite = open_onnx(onnx, "model.onnx")[0], open_tflite(tflite, "model.tflite")[0]
    calls = {
        "onnxruntime": (lambda: run_onnx(window), lambda: session.run([output], {name: window})),
        "LiteRT": (lambda: run_tflite(window), bare_tflite),
    }
    found = []
    for runtime, (ours, theirs) in calls.items():
        with_us, without = in_turn(lambda ours=ours: _call(ours), lambda theirs=theirs: _call(theirs), 9)  # type: ignore[misc]
        found.append(
            Finding(f"one inference through the gate's function, {runtime}", f"{with_us:.1f} µs",
                    f"the runtime's own call: {without:.1f} µs ({with_us - without:+.1f} µs)", with_us / without,
                    "at most 20 µs more")
        )  # fmt: skip
    return found


def measure_c(workspace: Path) -> list[Finding]:
    """The C file against onnxruntime on the same network, in one process."""
    from spline_lstm.edge.c_file import with_header
    from spline_lstm.edge.c_library import open_c
    from spline_lstm.edge.runtime import open_onnx

    settings = "feature_mode=multivariate,model_type=gru,export_formats=onnx+c,run_id=device"
    timed([KEDRO, "run", "--params", settings], workspace)
    folder = workspace / "data" / "06_models" / "device" / "edge"
    source, header, onnx = ((folder / f"model.{kind}").read_bytes() for kind in ("c", "h", "onnx"))
    run_c, run_onnx = open_c(with_header(source, header), "model.c")[0], open_onnx(onnx, "model.onnx")[0]
    contract = json.loads((folder / "contract.json").read_text())
    size = (1, contract["lookback"], len(contract["feature_order"]))
    window = np.random.default_rng(0).normal(size=size).astype(np.float32)
    ours, theirs = in_turn(lambda: _call(lambda: run_c(window)), lambda: _call(lambda: run_onnx(window)), 9)
    difference = np.abs(run_c(window) - run_onnx(window)).max()
    against = f"onnxruntime: {theirs:.1f} µs (largest difference {difference:.0e} sigma)"
    return [Finding("one inference of the default GRU in C, `-O3 -march=native`", f"{ours:.1f} µs", against,
                    ours / theirs, "≤ 1")]  # fmt: skip


def measure_serving(workspace: Path) -> list[Finding]:
    """What an application waits for, against the runtime alone on the windows that the forecast takes."""
    import onnxruntime

    from spline_lstm.edge.forecaster import _AT_ONCE, load_forecaster

    settings = "linear_path=none,learning_rate=0.001,epochs=1,export_formats=onnx,run_id=serving"
    timed([KEDRO, "run", "--params", settings], workspace)
    folder = workspace / "data" / "06_models" / "serving" / "edge"
    forecaster = load_forecaster(folder)
    table = make_large_table(10_000, 48)[["timestamp", "station", "target"]]
    table["timestamp"] = table["timestamp"].dt.tz_localize("UTC")
    windows = forecaster.make_windows(table)
    X = np.concatenate([windows.X, windows.past.X[:]])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run_alone() -> None:
        for start in range(0, len(X), _AT_ONCE):
            session.run(None, {name: X[start : start + _AT_ONCE]})

    ours, theirs = in_turn(lambda: _seconds(lambda: forecaster.forecast(table)), lambda: _seconds(run_alone), 5)
    against = f"onnxruntime on the {len(X):,} windows of it: {theirs:.1f} s"
    return [Finding("`forecast(table)` of 10,000 series of 48 hours", f"{ours:.1f} s", against, ours / theirs, "≤ 2")]


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _call(function: Callable[[], Any], times: int = 2_000) -> float:
    """Median of single calls in microseconds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1e6


def _measure_peers(workspace: Path) -> list[Finding]:
    from tests.benchmarks.peers import measure_peers  # which imports this module

    return measure_peers(workspace)


def main() -> None:
    """Measure everything and write the report."""
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = make_workspace(Path(folder) / "project")
        empty = make_empty_project(Path(folder) / "empty")
        for measure in (
            lambda: measure_start_up(workspace, empty),
            lambda: measure_inference(workspace),
            lambda: measure_c(workspace),
            lambda: measure_serving(workspace),
            lambda: measure_modelling(workspace),
            lambda: measure_steps(workspace),
            lambda: measure_preprocessing(workspace),
            lambda: measure_large_training(workspace),
            lambda: measure_matrix(workspace),
            *([lambda: _measure_peers(workspace)] if "PEERS" in os.environ else []),
        ):
            for finding in measure():
                findings.append(finding)
                print(" | ".join(finding.row()), flush=True)
    rows = [finding.row() for finding in findings]
    lines = markdown_table(["what", "found", "against", "ratio", "goal"], rows)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = _HEAD.format(machine=machine) + (_PEERS if "PEERS" in os.environ else "")
    REPORT.write_text(f"{head}\n{lines}\n")


_HEAD = """# Speed and memory

`make bench` measures this again, on a machine that does nothing else ({machine}). Each line is the
ratio of two things that ran alternately in the same session: medians of several pairs, and whole commands from start
to end. The seconds depend on the machine; the ratios are what counts.
"""
_PEERS = """
The lines about a validation loss compare single runs on the same windows. The model of the other library trains for
its default time, measured from the start of its process to the end of training. It may have reached its last loss
earlier. Ours stops at the first epoch with that loss. Epoch 0 is before the first training step, when the default
model is its ridge path. The ratio is the time of the other library over ours. The plain LSTM has no ridge path, no
normalisation, and a learning rate of 0.01.
"""


if __name__ == "__main__":
    main()
