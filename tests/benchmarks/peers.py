"""Seconds until a model has a given validation loss, beside recurrent models of equal size of other libraries.

`PEERS=/path/to/python python -m tests.benchmarks.peers`, with a Python that has neuralforecast and darts. Both train as
long as they do by default, on the same table and in the same scaled units; the loss that they end with is what ours are
timed to. They may have had it, or a lower one, long before: this compares default trainings, not speeds of learning.
Seconds run from the start of the process: of theirs to the end of training, of ours to the epoch that has the loss.
"""

import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from tests.benchmarks.bench import KEDRO, Finding, make_workspace, timed

SCRIPT = Path(__file__).with_name("peer_models.py")
# By default: `max_steps` of neuralforecast's LSTM, `n_epochs` of darts' BlockRNNModel. Then a few, which warm up.
BUDGETS = {"neuralforecast": (1_000, 10), "darts": (100, 1)}
DATA = "processed_run_id=peers,lookback_span=24"
OURS = {
    "the plain LSTM of 64": "linear_path=none,link=identity,normalization=none,learning_rate=0.01,run_id=plain",
    "the default model": "run_id=default",
}
Epochs = list[tuple[int, float, float]]
"""Number, seconds from the start of the process, and validation loss of each epoch from 0, before any step."""
_ROUNDED = 5e-5
"""The log rounds a loss by that much at most."""


def measure_peers(workspace: Path, budgets: dict[str, tuple[int, int]] = BUDGETS) -> list[Finding]:
    """Seconds until ours have the validation loss that another library's model ends with."""
    timed([KEDRO, "run", "--pipeline=preprocessing", "--params", f"{DATA},run_id=peers"], workspace)
    ours = {name: _train(workspace, settings) for name, settings in OURS.items()}
    return [
        _finding(name, epochs, library, peer)
        for library, (budget, few) in budgets.items()
        for peer in [_train_peer(workspace, library, budget, few)]
        for name, epochs in ours.items()
    ]


def _train_peer(workspace: Path, library: str, budget: int, few: int) -> tuple[float, float]:
    """Seconds until another library's model is trained, and its validation loss."""
    data = workspace / "data" / "05_model_input" / "peers" / "processed.npz"
    result = workspace / f"{library}.json"
    command = [os.environ["PEERS"], str(SCRIPT), library, str(data), str(result)]
    timed([*command, str(few)], workspace)  # the first start reads the library from the disk
    started = time.time()
    timed([*command, str(budget)], workspace)
    found = json.loads(result.read_text())
    return found["trained_at"] - started, found["loss"]


def _train(workspace: Path, settings: str) -> Epochs:
    """Train one of ours; each epoch is a line that it logs."""
    command = [KEDRO, "run", "--pipeline=modelling", "--params", f"{DATA},{settings}"]
    started = time.time()
    with subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        found = (re.search(r"Epoch (\d+) of \d+, val loss (\S+)", line) for line in run.stdout or ())
        epochs = [(int(epoch[1]), time.time() - started, float(epoch[2]) + _ROUNDED) for epoch in found if epoch]
    if run.returncode or not epochs:
        raise RuntimeError(f"{' '.join(command)}: {run.returncode}, {len(epochs)} epochs")
    return epochs


def _finding(name: str, epochs: Epochs, library: str, peer: tuple[float, float]) -> Finding:
    """One of ours against one of theirs; where ours never has the loss, all of its epochs count."""
    their_seconds, loss = peer
    number, seconds, reached = next((epoch for epoch in epochs if epoch[2] <= loss), epochs[-1])
    what = f"{name}, until its validation loss is that of {library} ({loss:.4f})"
    which, hoped = f"epoch {number}", "≥ 3"
    if reached > loss:
        which, hoped = f"not reached, {min(found for _, _, found in epochs):.4f} at best", "to reach it"
    return Finding(what, f"{seconds:.1f} s, {which}", f"{their_seconds:.1f} s", their_seconds / seconds, hoped)


def main() -> None:
    """Print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        for finding in measure_peers(make_workspace(Path(folder) / "project")):
            print(" | ".join(finding.row()), flush=True)


if __name__ == "__main__":
    main()
