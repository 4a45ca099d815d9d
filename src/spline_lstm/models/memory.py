"""How much memory a training takes at least, held against what the machine has."""

import os
import resource
from contextlib import suppress
from pathlib import Path

from spline_lstm.errors import MemoryShortageError
from spline_lstm.models.registry import ModelSpec
from spline_lstm.models.ridge import most_windows
from spline_lstm.series.model_input import ModelInput

_GATES = {"gru": 3, "lstm": 4, "attention_lstm": 4}
_FLOAT = 4
_COPIES = 4
"""Of every weight: itself, its gradient, and the two moments of Adam."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""What a container may take."""


def check_memory(model_input: ModelInput, model: ModelSpec, segment: int, batch_size: int) -> None:
    """Refuse a training that cannot fit, before anything of it is made.

    Args:
        model_input: What is trained on.
        model: Architecture.
        segment: Rows that one recurrent step sees.
        batch_size: Windows that are trained on at once.

    Raises:
        MemoryShortageError: Says what takes how much, how much there is, and what to make smaller.

    """
    there = machine_bytes()
    windows, (lookback, features) = len(model_input.windows_of(0)), model_input.ages.shape
    gates, steps = _GATES.get(model.model_type, 1), lookback // segment
    needs = {
        f"hidden_units={'+'.join(map(str, model.hidden_units))}": weight_bytes(gates, model.hidden_units),
        f"batch_size={batch_size} with hidden_units={'+'.join(map(str, model.hidden_units))}": _FLOAT
        * min(batch_size, windows) * steps * gates * sum(model.hidden_units),
        f"lookback={lookback} with {features} features": ridge_bytes(lookback * features, windows),
    }  # fmt: skip
    what, most = max(needs.items(), key=lambda need: need[1])
    if most > there:
        raise MemoryShortageError(
            f"{what} takes at least {most:,} bytes of memory in the training, and this machine has {there:,}; "
            f"make {what.partition('=')[0]} smaller"
        )


def weight_bytes(gates: int, hidden_units: tuple[int, ...]) -> int:
    """Return what the recurrent weights of stacked layers take while they are trained, `gates` matrices a layer."""
    inputs = (0, *hidden_units[:-1])
    weights = sum(gates * units * (units + before) for units, before in zip(hidden_units, inputs, strict=True))
    return _FLOAT * _COPIES * weights


def ridge_bytes(inputs: int, windows: int) -> int:
    """Return what the ridge regression takes: its flattened windows, and a matrix and its vectors in 64 bits."""
    return _FLOAT * min(windows, most_windows(inputs)) * inputs + 2 * 8 * inputs**2


def machine_bytes() -> int:
    """Return the memory that this process may take: that of the machine, or less where a limit is set."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            found.append(int(Path(limit).read_text()))
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return min(found if soft == resource.RLIM_INFINITY else [*found, soft])
