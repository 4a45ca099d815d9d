"""What a training takes of memory, and what is refused because it cannot fit."""

from typing import Any

import pytest

from spline_lstm.errors import MemoryShortageError
from spline_lstm.models import memory
from spline_lstm.models.registry import ModelSpec
from spline_lstm.series.model_input import ModelInput


def check(bundle: ModelInput, make_parameters: Any, batch_size: int = 256, **changes: Any) -> None:
    model = make_parameters(**changes).part(ModelSpec)
    memory.check_memory(bundle, model, 1, batch_size)


def test_a_stack_that_fits_is_not_refused(two_targets: ModelInput, make_parameters: Any) -> None:
    check(two_targets, make_parameters, hidden_units=[64, 32])


@pytest.mark.parametrize("model_type", ["lstm", "gru", "attention_lstm"])
def test_a_stack_whose_weights_cannot_fit_is_refused_in_bytes(
    model_type: str, two_targets: ModelInput, make_parameters: Any, refuses: Any
) -> None:
    with refuses(MemoryShortageError, 62, "hidden_units=1000000 takes at least", " bytes", "make hidden_units smaller"):
        check(two_targets, make_parameters, model_type=model_type, hidden_units=[1_000_000])


def test_a_batch_or_a_lookback_that_cannot_fit_is_refused(
    monkeypatch: pytest.MonkeyPatch, two_targets: ModelInput, make_parameters: Any, refuses: Any
) -> None:
    monkeypatch.setattr(memory, "machine_bytes", lambda: 4_000)
    with refuses(MemoryShortageError, 62, "lookback=6 with 2 features takes at least", "this machine has 4,000"):
        check(two_targets, make_parameters, batch_size=1, hidden_units=[1])
    with refuses(MemoryShortageError, 62, "batch_size=256 with hidden_units=8", "make batch_size smaller"):
        check(two_targets, make_parameters, hidden_units=[8])


def test_the_weights_of_stacked_layers_are_counted() -> None:
    # Two layers of an LSTM: 4 * 3 * 3, and 4 * 2 * (2 + 3); each weight is there four times, in 4 bytes.
    assert memory.weight_bytes(4, (3, 2)) == 4 * 4 * (36 + 40)


def test_the_ridge_takes_its_windows_and_two_square_matrices() -> None:
    assert memory.ridge_bytes(10, 7) == 4 * 7 * 10 + 2 * 8 * 100


def test_a_limit_of_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory.machine_bytes()
    monkeypatch.setattr(memory.resource, "getrlimit", lambda _: (1_000_000, -1))
    assert memory.machine_bytes() == 1_000_000 < whole
