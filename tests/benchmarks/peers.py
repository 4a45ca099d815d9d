"""Seconds until a model has a given validation loss, beside recurrent models of equal size of other libraries.

`PEERS=/path/to/python python -m tests.benchmarks.peers`, with a Python that has neuralforecast and darts. Both train as
long as they do by default, on the same table and in the same scaled units; the loss that they end with is what ours are
timed to. They may have had it, or a lower one, long before: this compares default trainings, not speeds of learning.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.bench import KEDRO, Finding, make_workspace, timed

SCRIPT = Path(__file__).with_name("peer_models.py")
# By default: `max_steps` of neuralforecast's LSTM, `n_epochs` of darts' BlockRNNModel. Then a few, which warm up.
BUDGETS = {"neuralforecast": (1_000, 10), "darts": (100, 1)}
DATA = "processed_run_id=peers,lookback_span=24"
OURS = {
    "the plain LSTM of 64": "linear_path=none,normalization=none,learning_rate=0.001,run_id=plain",
    "the default model": "run_id=default",
}


def measure_peers(workspace: Path, budgets: dict[str, tuple[int, int]] = BUDGETS) -> list[Finding]:
    """Whole processes until ours have the validation loss that another library's model ends with."""
    timed([KEDRO, "run", "--pipeline=preprocessing", "--params", f"{DATA},run_id=peers"], workspace)
    losses = {name: _train(workspace, settings)[1] for name, settings in OURS.items()}
    return [
        _finding(workspace, name, losses[name], library, peer)
        for library, (budget, few) in budgets.items()
        for peer in [_train_peer(workspace, library, budget, few)]
        for name in OURS
    ]


def _train_peer(workspace: Path, library: str, budget: int, few: int) -> tuple[float, float]:
    """Seconds of another library's whole process, without those of the scoring, and its validation loss."""
    data = workspace / "data" / "05_model_input" / "peers" / "processed.npz"
    result = workspace / f"{library}.json"
    command = [os.environ["PEERS"], str(SCRIPT), library, str(data), str(result)]
    timed([*command, str(few)], workspace)  # the first start reads the library from the disk
    seconds, _ = timed([*command, str(budget)], workspace)
    found = json.loads(result.read_text())
    return seconds - found["scoring_seconds"], found["loss"]


def _train(workspace: Path, settings: str) -> tuple[float, list[float]]:
    """Seconds of the whole modelling pipeline, and the validation loss of each epoch from 0, before any step."""
    command = [KEDRO, "run", "--pipeline=modelling", "--params", f"{DATA},{settings}"]
    seconds, _ = timed(command, workspace)
    run_id = settings.rpartition("run_id=")[2].partition(",")[0]
    history: dict[str, Any] = json.loads((workspace / f"data/06_models/{run_id}/training_history.json").read_text())
    return seconds, [epoch["val_loss"] for epoch in history["history"]]


def _finding(workspace: Path, name: str, losses: list[float], library: str, peer: tuple[float, float]) -> Finding:
    """One of ours against one of theirs; where ours never has the loss, all of its epochs are timed."""
    their_seconds, loss = peer
    epochs = next((max(1, epoch) for epoch, found in enumerate(losses) if found <= loss), None)
    seconds, again = _train(workspace, f"{OURS[name]}{'' if epochs is None else f',epochs={epochs}'}")
    reached = min(again) <= loss
    what = f"{name}, until its validation loss is that of {library} ({loss:.4f})"
    if not reached:
        what += f": not reached, {min(again):.4f} at best"
    found = f"{seconds:.1f} s, {len(again) - 1} epochs"
    return Finding(what, found, f"{their_seconds:.1f} s", their_seconds / seconds, "≥ 3" if reached else "to reach it")


def main() -> None:
    """Print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        for finding in measure_peers(make_workspace(Path(folder) / "project")):
            print(" | ".join(finding.row()), flush=True)


if __name__ == "__main__":
    main()
