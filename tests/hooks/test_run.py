"""The hooks: parameters are resolved before the catalog is made, and errors keep their code."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog
from kedro.io.core import DatasetError
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner

from spline_lstm.datasets import JSONDataset
from spline_lstm.datasets.address import Address
from spline_lstm.errors import (
    ArtifactMissingError,
    ParameterError,
    ProjectBugError,
    RunLockedError,
    SchemaError,
    SplineLSTMError,
    TableError,
)
from spline_lstm.hooks.run import ProjectHooks
from spline_lstm.project.context import _commit
from spline_lstm.series.windows import WindowParameters

pytestmark = [
    # Kedro 1.7 reads `model_fields` from instances of pydantic's models, which pydantic deprecates.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute on the instance"),
    # The benchmark joins datasets of several namespaces, which Kedro takes for a naming mistake.
    pytest.mark.filterwarnings("ignore:One or more dataset names contain '.' characters:UserWarning"),
]


@pytest.fixture(scope="module")
def load_context(project: Path) -> Iterator[Callable[..., Any]]:
    """Load the project's context as a notebook does; nothing is run and nothing written."""
    before = Path.cwd()
    os.chdir(project)
    bootstrap_project(project)

    def load(**params: Any) -> Any:
        with KedroSession.create(project_path=project, runtime_params=params) as session:
            return session.load_context()

    yield load
    os.chdir(before)


@pytest.fixture(scope="module")
def catalog(load_context: Any) -> Any:
    return load_context(run_id="never-run", hidden_units=[8, 4], export_formats="tflite+onnx").catalog


@pytest.mark.parametrize("group", ["table", "fills", "windows", "model", "training", "evaluation", "run"])
def test_nodes_find_their_group_of_parameters(catalog: Any, group: str) -> None:
    assert catalog.load(f"params:{group}")


def test_given_parameters_enter_their_group(load_context: Any) -> None:
    windows = load_context(lookback=6, split="0.6+0.2+0.2").catalog.load("params:windows")
    assert windows == WindowParameters(lookback=6, lookback_span="auto", horizon=24, stride=1, split=(0.6, 0.2, 0.2))


@pytest.mark.parametrize("name", ["metrics", "model", "predictions", "report", "run_record"])
def test_results_lie_in_a_folder_of_the_run(catalog: Any, name: str) -> None:
    assert "/never-run/" in catalog[name]._describe()["filepath"]


def test_the_run_id_is_derived_from_the_settings(load_context: Any) -> None:
    run = load_context(model_type="gru", seed=7).catalog.load("params:run")
    assert run.run_id.startswith("gru-univariate-s7-")


def test_the_settings_of_the_run_are_normalised(catalog: Any) -> None:
    run = catalog.load("params:run")
    assert run.resolved["export_formats"] == ["onnx", "tflite"]


def test_a_missing_artifact_names_the_command_with_the_parameters_given(catalog: Any, refuses: Any) -> None:
    command = "kedro run --pipeline=modelling --params run_id=never-run,hidden_units=8+4,export_formats=tflite+onnx"
    with refuses(ArtifactMissingError, 20, f"metrics.json is missing; make it with: {command}"):
        try:
            catalog.load("metrics")
        except DatasetError as wrapped:
            ProjectHooks().on_pipeline_error(wrapped)


@pytest.mark.parametrize(
    ("given", "error", "code", "message"),
    [
        ({"lokback": 6}, ParameterError, 2, "parameter 'lokback' is unknown; did you mean 'lookback'?"),
        ({"epochs": 0}, ParameterError, 2, "parameter 'epochs' is 0"),
        ({"covariate_spec": "absent.json"}, SchemaError, 14, "absent.json cannot be read"),
    ],
)
def test_a_context_with_bad_parameters_is_refused(
    load_context: Any, refuses: Any, given: dict[str, Any], error: type[SplineLSTMError], code: int, message: str
) -> None:
    with refuses(error, code, message):
        load_context(**given)


def test_a_run_and_a_cell_know_the_command_that_repeats_them(load_context: Any) -> None:
    context = load_context(epochs=2, benchmark={"seeds": [7]})
    assert context.catalog.load("params:run").command == "kedro run --params epochs=2,benchmark.seeds=7"
    commands = {cell["run"].command for cell in context.params["cells"].values()}
    assert "kedro run --params epochs=2,model_type=gru,feature_mode=multivariate,seed=7" in commands


def test_the_gate_is_enforced_by_a_node_where_it_is_asked_for(load_context: Any) -> None:
    for enforce in (True, False, True):
        load_context(edge_poc={"enforce": enforce})
        assert ("enforce_gate" in {node.name for node in pipelines["edge_poc"].nodes}) == enforce


def test_tables_of_one_name_have_a_folder_each(load_context: Any, project: Path) -> None:
    def folder(path: str) -> str:
        return str(load_context(input_path=path).params["table_id"])

    assert folder("data/01_raw/a.csv").startswith("a-")
    assert folder("data/01_raw/a.csv") == folder("./data/01_raw/a.csv") == folder(str(project / "data/01_raw/a.csv"))
    assert len({folder(path) for path in ("data/01_raw/a.csv", "data/01_raw/a.parquet", "a.csv", "/tmp/a.csv")}) == 4


def wrap(cause: Exception, depth: int) -> Exception:
    """Raise from under as many wrappings as Kedro may put around an error."""
    for _ in range(depth):
        wrapping = DatasetError("Failed while loading data")
        wrapping.__cause__ = cause
        cause = wrapping
    return cause


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_error_of_the_project_is_raised_from_under_its_wrapping(refuses: Any, depth: int) -> None:
    with refuses(TableError, 10, "column 'target' is missing"):
        ProjectHooks().on_pipeline_error(wrap(TableError("column 'target' is missing"), depth))


@pytest.mark.parametrize("depth", [0, 2])
def test_any_other_error_is_a_bug_in_the_project(refuses: Any, depth: int) -> None:
    error = wrap(ZeroDivisionError("division by zero"), depth)
    with refuses(ProjectBugError, 70, f"unexpected {type(error).__name__}: {error}; this is a bug in the project"):
        ProjectHooks().on_pipeline_error(error)


def test_a_bug_keeps_its_traceback_for_those_who_debug() -> None:
    error = ZeroDivisionError("division by zero")
    with pytest.raises(ProjectBugError) as raised:
        ProjectHooks().on_pipeline_error(error)
    assert raised.value.__cause__ is error


def test_the_commit_is_that_of_the_folder(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    (tmp_path / "code.py").write_text("first")
    git("add", "code.py")
    git("commit", "--message=first")
    git("tag", "--annotate", "--message=1", "v1")
    assert _commit(tmp_path) == git("rev-parse", "HEAD")
    (tmp_path / "code.py").write_text("second")
    assert _commit(tmp_path) == f"{git('rev-parse', 'HEAD')}-dirty"


def test_there_is_no_commit_outside_git(tmp_path: Path) -> None:
    assert _commit(tmp_path) is None


def test_there_is_no_commit_before_the_first(tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init"], check=True, capture_output=True)
    assert _commit(tmp_path) is None


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[tuple[ProjectHooks, Callable[[], list[str]]]]:
    """Hooks of a run that reads one folder and writes two, and the names of the locks below its data."""
    data = tmp_path / "data"
    places = {"model": "06_models/run/model.keras", "metrics": "08_reporting/run/metrics.json"}
    datasets = {name: JSONDataset(filepath=str(data / place)) for name, place in places.items()}
    datasets["comparison"] = JSONDataset(filepath=str(data / "08_reporting/benchmarks/all/comparison.json"))
    datasets["elsewhere"] = JSONDataset(filepath=str(tmp_path / "elsewhere.json"))
    outputs = ["metrics", "comparison", "elsewhere", "kept_in_memory"]
    pipeline = Pipeline([Node(lambda _: (1, 2, 3, 4), "model", outputs, name="evaluate")])
    hooks = ProjectHooks()
    hooks.before_pipeline_run({"project_path": str(tmp_path)}, pipeline, DataCatalog(datasets))
    yield hooks, lambda: sorted(path.name for path in (data / ".locks").iterdir())
    hooks.after_pipeline_run()


def test_a_run_locks_what_it_reads_and_writes_wherever_it_lies(locked: Any, tmp_path: Path) -> None:
    _, names = locked
    elsewhere = tmp_path.as_posix().strip("/").replace("/", "+")
    within = ["06_models+run.lock", "08_reporting+benchmarks+all.lock", "08_reporting+run.lock"]
    assert names() == [*within, f"{elsewhere}.lock"]


def test_a_run_that_is_done_or_fails_gives_everything_back(locked: Any) -> None:
    hooks, names = locked
    with pytest.raises(TableError):
        hooks.on_pipeline_error(TableError("the table is empty"))
    assert names() == []


def test_what_lies_in_a_bucket_is_locked_there(tmp_path: Path, refuses: Any) -> None:
    root = Address(f"memory://{tmp_path.name}")
    catalog = DataCatalog(
        {"one": JSONDataset(filepath=f"{root}/one.json"), "two": JSONDataset(filepath=str(tmp_path / "data/two.json"))}
    )
    pipeline = Pipeline([Node(lambda: (1, 2), None, ["one", "two"], name="make")])
    first, second = ProjectHooks(), ProjectHooks()
    first.before_pipeline_run({"project_path": str(tmp_path)}, pipeline, catalog)
    with refuses(RunLockedError, 61, f"{root}/one.json is in use by process"):
        second.before_pipeline_run({"project_path": str(tmp_path)}, pipeline, catalog)
    first.after_pipeline_run()
    assert list((root / ".locks").iterdir()) == []
    assert list((tmp_path / "data/.locks").iterdir()) == []  # those of the refused one, too


def test_a_run_that_lost_its_place_in_the_midst_of_a_node_saves_nothing(tmp_path: Path) -> None:
    hooks, manager = ProjectHooks(), _create_hook_manager()
    manager.register(hooks)

    def compute() -> int:
        hooks._bucket_locks._lost = "another process took its place"
        return 1

    catalog = DataCatalog({"one": JSONDataset(filepath=str(tmp_path / "one.json"))})
    with pytest.raises(RunLockedError):
        SequentialRunner().run(Pipeline([Node(compute, None, "one", name="compute")]), catalog, manager)
    assert not catalog.exists("one")


def test_a_run_that_lost_its_place_before_a_node_does_not_begin_it(refuses: Any) -> None:
    hooks = ProjectHooks()
    hooks._bucket_locks._lost = "another process took its place"
    with refuses(RunLockedError, 61, "another process took its place"):
        hooks.before_node_run()


@pytest.mark.parametrize("given", [{"lookback": 6}, {"run_id": "a", "input_path": "b.csv", "backend": "onnx"}])
def test_forecasting_takes_what_names_a_run(locked: Any, tmp_path: Path, given: dict[str, Any]) -> None:
    hooks, _ = locked
    run_params = {"project_path": str(tmp_path), "pipeline_names": ["forecasting"], "runtime_params": given}
    hooks.before_pipeline_run(run_params, Pipeline([]), DataCatalog({}))


def test_forecasting_refuses_what_a_named_run_has_decided(tmp_path: Path, refuses: Any) -> None:
    given = {"run_id": "mine", "lookback": 6, "input_path": "b.csv"}
    run_params = {"project_path": str(tmp_path), "pipeline_names": ["forecasting"], "runtime_params": given}
    with refuses(ParameterError, 2, "'mine' decides on all else, so leave out: lookback"):
        ProjectHooks().before_pipeline_run(run_params, Pipeline([]), DataCatalog({}))
