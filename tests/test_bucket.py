"""Results in a bucket: the bits of a run on this machine, one writer at a time, and a store that often fails.

The bucket is a folder behind a file system of fsspec, so that processes can share it without a server. See
tests/soak/test_bucket.py for a server that speaks S3.
"""

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

KEDRO = str(Path(sys.executable).parent / "kedro")
SMALL = {
    "input_path": "data/01_raw/small.csv", "lookback": 6, "horizon": 3, "hidden_units": 4, "epochs": 1,
    "export_formats": "onnx", "run_id": "one",
}  # fmt: skip
PARAMS = ",".join(f"{name}={value}" for name, value in SMALL.items())
ROOT = "bucket://b/folder"
TIMED = ("training_history.json", "edge_gate.json", "edge_gate.md", "model_card.md", "report.html", "report.md")
"""Files that hold times, or the places of others."""
FILE_SYSTEM = """
import os
import shutil

from fsspec.implementations.local import LocalFileSystem

ROOT, FAILS = os.environ["BUCKET_ROOT"], int(os.environ.get("BUCKET_FAILS", 0))


class BucketFileSystem(LocalFileSystem):
    protocol = "bucket"
    calls = 0

    @classmethod
    def _strip_protocol(cls, path):
        name = str(path).removeprefix("bucket://").rstrip("/")
        return name if name.startswith(ROOT) else f"{ROOT}/{name}"

    def pipe_file(self, path, value):
        path = self._strip_protocol(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(f"{path}.{os.getpid()}", "wb") as file:
            file.write(value)
        os.replace(f"{path}.{os.getpid()}", path)

    def put_file(self, local, path):
        with open(local, "rb") as file:
            self.pipe_file(path, file.read())

    def get_file(self, path, local, **_):
        shutil.copyfile(self._strip_protocol(path), local)


def count(method):
    def ask(*values, **options):
        BucketFileSystem.calls += 1
        if FAILS and BucketFileSystem.calls % FAILS == 0:
            raise OSError("503 Slow Down")
        return method(*values, **options)

    return ask


for name in ("info", "ls", "cat_file", "pipe_file", "get_file", "put_file", "rm_file"):
    setattr(BucketFileSystem, name, count(getattr(BucketFileSystem, name)))
"""
RUNS = """
from pathlib import Path

from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from spline_lstm.pipelines import MAIN_JOB

bootstrap_project(Path.cwd())
for env, pipelines, parameters in (("plain", MAIN_JOB, SMALL), ("local", MAIN_JOB, SMALL),
                                   ("local", ["forecasting"], {"run_id": "one"}), ("local", ["describe"], TABLE)):
    with KedroSession.create(env=env, runtime_params=parameters) as session:
        session.run(pipeline_names=pipelines)
"""
HOLD = """
import time
from spline_lstm.datasets.address import Address
from spline_lstm.datasets.leases import BucketLocks
root = Address("bucket://b/folder")
BucketLocks().take(written=[root / "05_model_input/one"])
print("locked", flush=True)
time.sleep(60)
"""


@dataclass(frozen=True)
class Workspace:
    """A project whose results lie in a bucket; those of its environment `plain` on this machine.

    Attributes:
        folder: The project.
        root: What the bucket holds, as a folder.
        environment: Of processes that know the bucket.
        output: What the first runs printed.

    """

    folder: Path
    root: Path
    environment: dict[str, str]
    output: str = ""

    def start(self, command: list[str], **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *options: str, params: str = PARAMS) -> tuple[int, str, str]:
        process = self.start([KEDRO, "run", *options, "--params", params])
        output, errors = process.communicate(timeout=300)
        return process.returncode, output, errors


def hashes_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "01_raw" not in path.parts
    }


@pytest.fixture(scope="module")
def workspace(make_workspace: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The main job on this machine, then in a bucket that fails every tenth call, where it forecasts, too."""
    folder, packages = make_workspace(), tmp_path_factory.mktemp("packages")
    (packages / "bucket_file_system.py").write_text(FILE_SYSTEM)
    (packages / "bucket-1.dist-info").mkdir()
    (packages / "bucket-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: bucket\nVersion: 1\n")
    entry = "[fsspec.specs]\nbucket = bucket_file_system.BucketFileSystem\n"
    (packages / "bucket-1.dist-info/entry_points.txt").write_text(entry)
    for name in ("plain", "local"):
        (folder / "conf" / name).mkdir(exist_ok=True)
    (folder / "conf/local/globals.yml").write_text(f"data_root: {ROOT}\n")
    root = tmp_path_factory.mktemp("bucket")
    path = os.pathsep.join(filter(None, [str(packages), os.environ.get("PYTHONPATH")]))
    made = Workspace(folder, root / "b/folder", os.environ | {"PYTHONPATH": path, "BUCKET_ROOT": str(root)})
    script = RUNS.replace("SMALL", repr(SMALL)).replace("TABLE", repr({"input_path": SMALL["input_path"]}))
    process = made.start([sys.executable, "-c", script], BUCKET_FAILS="10")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return Workspace(folder, made.root, made.environment, output)


def test_the_files_are_those_of_a_run_on_this_machine(workspace: Workspace) -> None:
    expected = {
        path: digest for path, digest in hashes_below(workspace.folder / "data").items() if ".locks" not in path
    }
    found = hashes_below(workspace.root)
    assert set(expected) <= set(found)
    differing = [path for path, digest in expected.items() if found[path] != digest]
    assert [path for path in differing if Path(path).name not in (*TIMED, "run.json")] == []


def test_the_record_has_the_same_hashes_and_names_addresses(workspace: Workspace) -> None:
    path = "08_reporting/one/run.json"
    on_machine, in_bucket = (
        json.loads((root / path).read_text()) for root in (Path(workspace.folder, "data"), workspace.root)
    )
    assert in_bucket["places"] == {
        name: place.replace("data/", f"{ROOT}/", 1) for name, place in on_machine["places"].items()
    }
    for key in ("sha256", "processed_sha256", "settings"):
        assert in_bucket[key] == on_machine[key]


def test_the_end_of_a_run_names_addresses(workspace: Workspace) -> None:
    for line in (
        f"Report   {ROOT}/08_reporting/one/report.html",
        f"Table    {ROOT}/07_model_output/one/forecasts/own-table/forecast.csv",
    ):
        assert line in workspace.output


def test_the_command_that_takes_a_description_can_be_pasted(workspace: Workspace) -> None:
    line = next(line for line in workspace.output.splitlines() if line.startswith("Next     python -c"))
    copy = line.removeprefix("Next     ").partition(" && ")[0]
    process = workspace.start([sys.executable, *shlex.split(copy)[1:]])
    process.communicate(timeout=60)
    assert process.returncode == 0
    made = workspace.folder / "conf/local/parameters.yml"
    text = made.read_text()
    made.unlink()
    assert f'covariate_spec: "{ROOT}/08_reporting/tables/small-' in text


def test_runs_leave_no_lease_in_the_bucket(workspace: Workspace) -> None:
    assert list((workspace.root.parent / ".locks").iterdir()) == []


def test_a_killed_writer_keeps_others_out_until_its_lease_ends(workspace: Workspace) -> None:
    holder = workspace.start([sys.executable, "-c", HOLD])
    assert holder.stdout
    assert holder.stdout.readline() == "locked\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    code, _, errors = workspace.run("--pipeline=preprocessing")
    assert (code, errors.count("\n")) == (61, 1)
    assert errors.startswith(f"Error: {ROOT}/05_model_input/one is in use by process {holder.pid} on ")
    lease = next((workspace.root.parent / ".locks").iterdir())
    lease.write_text(json.dumps(json.loads(lease.read_text()) | {"expires": "2024-01-01T00:00:00Z"}))
    before = hashes_below(workspace.root / "05_model_input")
    assert workspace.run("--pipeline=preprocessing")[0] == 0
    assert hashes_below(workspace.root / "05_model_input") == before
    test_runs_leave_no_lease_in_the_bucket(workspace)


@pytest.mark.parametrize(
    ("root", "code", "message"),
    [
        ("s4://b/folder", 2, "lies at 's4://b/folder/"),
        ("ftp://me:secret@host/folder", 2, "lies at an address with a password"),
    ],
)
def test_a_root_that_no_run_could_use_is_refused_before_anything_runs(
    workspace: Workspace, root: str, code: int, message: str
) -> None:
    (workspace.folder / "conf/refused").mkdir(exist_ok=True)
    (workspace.folder / "conf/refused/globals.yml").write_text(f"data_root: {root}\n")
    found: Any = workspace.run("--env", "refused")
    assert (found[0], found[2].count("\n")) == (code, 1)
    assert message in found[2]
    assert "secret" not in "".join(found[1:])
