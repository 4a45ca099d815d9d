import dataclasses
import pickle
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import click
import pyarrow.lib
import pytest
from distributed.scheduler import KilledWorker

from spline_lstm import errors
from spline_lstm.errors import Failure, ProjectBugError, SplineLSTMError, TableError, own_error
from spline_lstm.text import examples, nearest

EXIT_CODES = {
    "ParameterError": 2,
    "TableError": 10,
    "TimeAxisError": 11,
    "ValuesError": 12,
    "MissingCovariateError": 13,
    "SchemaError": 14,
    "ArtifactMissingError": 20,
    "ArtifactDamagedError": 21,
    "ShapeContractError": 22,
    "RunIdMismatchError": 23,
    "InsufficientDataError": 26,
    "TrainingDivergedError": 30,
    "ComparisonError": 40,
    "ExportError": 50,
    "EdgeGateError": 51,
    "StorageError": 60,
    "RunLockedError": 61,
    "MemoryShortageError": 62,
    "ProjectBugError": 70,
}


def family(error: type[SplineLSTMError]) -> Iterator[type[SplineLSTMError]]:
    yield error
    for kind in error.__subclasses__():
        yield from family(kind)


@pytest.mark.parametrize(("name", "exit_code"), EXIT_CODES.items())
def test_each_refusal_has_the_exit_code_of_the_contract(name: str, exit_code: int) -> None:
    assert getattr(errors, name)("text").exit_code == exit_code


@pytest.mark.parametrize("kind", [SplineLSTMError, errors.InputError, errors.ArtifactError])
def test_a_refusal_of_no_kind_has_the_exit_code_of_the_unexpected(kind: type[SplineLSTMError]) -> None:
    assert kind("text").exit_code == 70


def test_the_contract_lists_every_class_without_children() -> None:
    leaves = {kind.__name__ for kind in family(SplineLSTMError) if not kind.__subclasses__()}
    assert leaves == set(EXIT_CODES)


@pytest.mark.parametrize("error", list(family(SplineLSTMError)))
def test_a_refusal_survives_the_way_between_processes(error: type[SplineLSTMError]) -> None:
    copy = pickle.loads(pickle.dumps(error("a message")))
    assert (type(copy), copy.message, copy.exit_code) == (error, "a message", error.exit_code)


def test_the_command_line_prints_refusals_without_a_traceback() -> None:
    assert issubclass(SplineLSTMError, click.ClickException)


def test_a_message_of_several_lines_becomes_one() -> None:
    assert SplineLSTMError("one\n  two\r\n\tthree").message == "one two three"


@pytest.mark.parametrize(
    ("code", "kind"), [(30, errors.TrainingDivergedError), (10, errors.TableError), (70, SplineLSTMError)]
)
def test_a_failure_turns_back_into_the_refusal_that_it_stands_for(code: int, kind: type[SplineLSTMError]) -> None:
    error = errors.Failure("the loss is no longer a number", code).to_error()
    assert isinstance(error, kind)
    assert (error.exit_code, error.message) == (code, "the loss is no longer a number")


def test_a_failure_does_not_change_on_its_way() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Failure("the loss is no longer a number", 30).exit_code = 0  # type: ignore[misc]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_refusal_is_found_under_the_wrapping_of_others(depth: int) -> None:
    error: BaseException = TableError("column 'target' is missing")
    own = error
    for _ in range(depth):
        wrapping = OSError("failed while loading")
        wrapping.__cause__ = error
        error = wrapping
    assert own_error(error) is own


def test_what_wraps_no_refusal_was_not_expected() -> None:
    error = OSError("failed while loading")
    error.__cause__ = ValueError("a number")
    found = own_error(error)
    assert type(found) is ProjectBugError
    assert found.message == "unexpected OSError: failed while loading; this is a bug in the project"


def test_an_unexpected_error_is_put_into_words() -> None:
    error = ProjectBugError.of(ZeroDivisionError("division by zero"))
    assert error.message == "unexpected ZeroDivisionError: division by zero; this is a bug in the project"
    assert error.exit_code == 70


def test_the_nearest_name_is_proposed() -> None:
    assert nearest("lookbak", ["lookback", "horizon"]) == "; did you mean 'lookback'?"


def test_nothing_is_proposed_when_no_name_is_near() -> None:
    assert nearest("zzz", ["lookback", "horizon"]) == ""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([1], "1"),
        (range(5), "0, 1, 2, 3, 4"),
        (range(6), "0, 1, 2, 3, 4 and 1 more"),
        (range(7), "0, 1, 2, 3, 4 and 2 more"),
    ],
)
def test_at_most_five_examples_are_listed(values: list[int], text: str) -> None:
    assert examples(values) == text


def test_a_bug_that_passed_from_another_process_is_a_bug_again() -> None:
    again = Failure.of(ProjectBugError("unexpected")).to_error()
    assert (type(again), again.message) == (ProjectBugError, "unexpected")


class ResourceExhaustedError(Exception):
    """As TensorFlow names it."""


SHORTAGES = [
    MemoryError("Unable to allocate 8 GiB"),
    MemoryError(),
    pyarrow.lib.ArrowMemoryError("malloc of size 64 failed"),
    ResourceExhaustedError("OOM when allocating"),
    BrokenProcessPool("A process in the process pool was terminated abruptly"),
    KilledWorker("train", None, 3),
    OSError(12, "Cannot allocate memory"),
    ImportError("libtensorflow.so: failed to map segment from shared object"),
    RuntimeError("can't start new thread"),
]


@pytest.mark.parametrize("error", SHORTAGES, ids=repr)
def test_too_little_memory_has_a_code_of_its_own_whoever_says_it(error: Exception, refuses: Any) -> None:
    with refuses(errors.MemoryShortageError, 62, "not enough memory: ", "make hidden_units, batch_size or lookback"):
        raise errors.own_error(error)


def test_too_little_memory_is_found_under_the_wrapping_of_others() -> None:
    wrapped = ValueError("failed while loading")
    wrapped.__cause__ = MemoryError()
    assert errors.own_error(wrapped).exit_code == 62


def test_a_shortage_names_the_node() -> None:
    names: dict[str, Any] = {"__name__": "spline_lstm.pipelines.modelling.nodes"}
    exec("def train_model():\n    raise MemoryError('8 GiB')", names)
    with pytest.raises(MemoryError) as caught:
        names["train_model"]()
    assert errors.own_error(caught.value).message.startswith("not enough memory in train_model: 8 GiB; make ")


def test_a_message_is_cut_before_it_is_shown() -> None:
    assert len(SplineLSTMError("x" * 10_000_000).message) == 2_000


FULL = [
    OSError(28, "No space left on device"),
    OSError(30, "Read-only file system"),
    OSError("unable to flush file (errno = 28, error message = 'No space left on device')"),
    FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"),
]


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_storage_without_room_has_its_code_whoever_says_it(error: Exception, refuses: Any) -> None:
    with refuses(errors.StorageError, 60, "no room to write: ", "TMPDIR=..."):
        raise errors.own_error(error)
