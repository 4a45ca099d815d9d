"""Compare the memory that a training needs at least with the memory of the machine."""

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
"""Copies of every weight: the weight, its gradient, and the two moments of Adam."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files with a container's memory limit."""


def check_memory(model_input: ModelInput, model: ModelSpec, segment: int, batch_size: int) -> None:
    """Refuse a training that does not fit into memory, before any of it is allocated.

    Args:
        model_input: The training data.
        model: Architecture.
        segment: Rows per recurrent step.
        batch_size: Windows per training step.

    Raises:
        MemoryShortageError: Names the memory needed, the memory available, and the setting to reduce.

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
    """Return the bytes of stacked layers' recurrent weights in training, with `gates` matrices per layer."""
    inputs = (0, *hidden_units[:-1])
    weights = sum(gates * units * (units + before) for units, before in zip(hidden_units, inputs, strict=True))
    return _FLOAT * _COPIES * weights


def ridge_bytes(inputs: int, windows: int) -> int:
    """Return the bytes of the ridge regression: flattened windows, and a matrix and vectors in 64 bits."""
    return _FLOAT * min(windows, most_windows(inputs)) * inputs + 2 * 8 * inputs**2


def machine_bytes() -> int:
    """Return the bytes that this process may use: the machine's memory, or a lower limit if one is set."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in _LIMITS:
        with suppress(OSError, ValueError):  # the file is missing, or says "max"
            found.append(int(Path(limit).read_text()))
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return min(found if soft == resource.RLIM_INFINITY else [*found, soft])
