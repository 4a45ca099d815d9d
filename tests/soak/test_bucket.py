"""Whole runs whose results lie on a server that speaks S3; needs s3fs and moto[server], which are not locked.

Both ask for python-dateutil below 3, and the lock file holds a later one: `pip install s3fs 'moto[server]'` in an
environment of its own.
"""

import http.client
import http.server
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
RUN = [str(BIN / "kedro"), "run"]
SMALL = "input_path=data/01_raw/small.csv,lookback=6,horizon=3,hidden_units=4,epochs=1,export_formats=onnx"
DASK = "--runner=spline_lstm.runners.DaskRunner"
TIMED = (
    "training_history.json", "run.json", "edge_gate.json", "edge_gate.md", "model_card.md", "report.html", "report.md",
    "operation.json", "comparison.json", "comparison.csv", "comparison.md", "comparison.html",
    "accuracy_latency.plotly.json",
)  # fmt: skip
"""Files that hold times, or the places of others."""
KEPT = ("processed.npz", "preprocessor.pkl", "model.keras", "model.onnx", "predictions.parquet", "metrics.json")
SCRIPT = """
import json, sys
import fsspec
system = fsspec.filesystem("s3")
system.invalidate_cache()
action, *values = sys.argv[1:]
if action == "make":
    system.mkdir("bucket")
if action == "take":
    system.get(values[0], values[1], recursive=True)
if action == "expire":
    for path in system.ls("bucket/.locks", detail=False):
        system.pipe_file(path, json.dumps(json.loads(system.cat_file(path)) | {"expires": values[0]}).encode())
"""
Note = Callable[[str, int, str], None]

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("s3fs", "moto")),
    reason="needs s3fs and moto[server], which are not locked",
)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Store:
    """A server, and a project whose results lie there."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
        }  # fmt: skip

    def start(self, *options: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*RUN, *options], cwd=self.folder, env=self.environment | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *options: str, **environment: str) -> tuple[int, str]:
        process = self.start(*options, **environment)
        errors = process.communicate(timeout=600)[1]
        return process.returncode, errors

    def ask(self, *arguments: str) -> bool:
        command = [sys.executable, "-c", SCRIPT, *arguments]
        return subprocess.run(command, env=self.environment, check=False, timeout=60).returncode == 0

    def hashes(self, folder: Path) -> dict[str, str]:
        """Fetch everything."""
        assert self.ask("take", "bucket/folder/", f"{folder}/")
        return hashes_below(folder)


def hashes_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"01_raw", ".locks"} & set(path.parts) and path.name not in TIMED
    }


@contextmanager
def failing_every_tenth(port: int) -> Iterator[int]:
    """Stand before a server, and answer every tenth request with 503; yields the port."""
    count = iter(range(1, 1_000_000))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if next(count) % 10 == 0:
                self.send_response(503)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            server = http.client.HTTPConnection("127.0.0.1", port)
            server.request(self.command, self.path, body, dict(self.headers))
            answer = server.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "server", "date"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            server.close()

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield proxy.server_address[1]
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield port
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def store(server: int, make_workspace: Callable[[], Path]) -> Store:
    made = Store(make_workspace(), server)
    assert made.ask("make")
    for name in ("plain", "local"):
        (made.folder / "conf" / name).mkdir(exist_ok=True)
    (made.folder / "conf/local/globals.yml").write_text("data_root: s3://bucket/folder\n")
    return made


@pytest.fixture(scope="module")
def expected(store: Store) -> dict[str, str]:
    """Hashes of a run on this machine."""
    assert store.run("--env=plain", "--params", f"{SMALL},run_id=one")[0] == 0
    return hashes_below(store.folder / "data")


def test_two_writers_at_once(store: Store, expected: dict[str, str], tmp_path: Path, note: Note) -> None:
    both = [store.start("--params", f"{SMALL},run_id=one") for _ in range(2)]
    ended = [(process.communicate(timeout=600)[1], process.returncode) for process in both]
    assert sorted(code for _, code in ended) == [0, 61]
    assert "is in use by process" in next(errors for errors, code in ended if code == 61)
    found = store.hashes(tmp_path)
    assert {path: found[path] for path in expected} == expected
    note("two writers of one run in a bucket, at once", 1, "0 and 61; the bits of a run on this machine")


def test_a_killed_run(store: Store, expected: dict[str, str], tmp_path: Path, note: Note) -> None:
    command = ["--params", f"{SMALL},run_id=one,seed=7"]
    killed = store.start(*command)
    assert killed.stdout
    assert next(line for line in killed.stdout if "Epoch" in line or "Training" in line)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    code, errors = store.run(*command)
    assert (code, errors.count("\n")) == (61, 1)
    assert f"is in use by process {killed.pid} on " in errors
    assert store.ask("expire", "2024-01-01T00:00:00Z")
    assert store.run(*command) == (0, "")
    assert store.run("--env=plain", *command) == (0, "")
    found = store.hashes(tmp_path)
    assert {path: found[path] for path in expected} == hashes_below(store.folder / "data")
    note("kill -9 of a run in a bucket, which is started again when its lease has ended", 1, "61, then the same bits")


def test_a_store_that_fails_every_tenth_request(store: Store, server: int, note: Note) -> None:
    with failing_every_tenth(server) as port:
        endpoint = f"http://127.0.0.1:{port}"
        assert store.run("--params", f"{SMALL},run_id=failing", AWS_ENDPOINT_URL=endpoint)[0] == 0
        assert store.run("--pipeline=forecasting", "--params", "run_id=failing", AWS_ENDPOINT_URL=endpoint)[0] == 0
    note("main job and forecast in a bucket that fails every tenth request", 1, "0")


def test_a_benchmark_on_dask_without_a_shared_folder(store: Store, tmp_path: Path, note: Note) -> None:
    cells = "benchmark.seeds=7,benchmark.feature_modes=univariate"
    command = ["--pipeline=benchmarking", "--params", f"{SMALL},run_id=all,{cells}"]
    assert store.run(*command, DASK)[0] == 0
    assert not (store.folder / "data/08_reporting/benchmarks").exists()
    assert store.run("--env=plain", *command)[0] == 0
    found, on_machine = store.hashes(tmp_path), hashes_below(store.folder / "data")
    same = {path: digest for path, digest in on_machine.items() if Path(path).name in KEPT}
    assert len(same) > 10
    assert {path: found[path] for path in same} == same
    note("a benchmark on Dask in a bucket", 1, "the bits of one on this machine")


def test_a_server_that_is_not_there(store: Store, note: Note) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    code, errors = store.run("--pipeline=preprocessing", "--params", SMALL, AWS_ENDPOINT_URL=endpoint)
    assert (code, errors.count("\n")) == (60, 1)
    assert "s3://bucket/.locks cannot be read: Could not connect to the endpoint URL" in errors
    note("a bucket whose server is not there", 1, "60")
