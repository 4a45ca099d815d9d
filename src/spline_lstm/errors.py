"""The exception family: every refusal has a class, an exit code and one line of text.

::

    SplineLSTMError                 70
    ├── ParameterError               2   parameters or command line
    ├── InputError
    │   ├── TableError              10   the table cannot be read, or a column is missing or not numeric
    │   ├── TimeAxisError           11   a timestamp is unparseable, duplicate, ambiguous or off the grid
    │   ├── ValuesError             12   infinite or constant values, too much missing, a gap too long
    │   ├── MissingCovariateError   13   the table lacks a covariate that the schema requires
    │   ├── SchemaError             14   the covariate schema is invalid
    │   └── InsufficientDataError   26   no window fits into a split
    ├── ArtifactError
    │   ├── ArtifactMissingError    20   an artifact is not there yet
    │   ├── ArtifactDamagedError    21   an artifact is damaged or of another schema version
    │   ├── ShapeContractError      22   arrays do not have the shapes of the contract
    │   └── RunIdMismatchError      23   artifacts of two runs are mixed
    ├── TrainingDivergedError       30   the loss is no longer a number
    ├── ComparisonError             40   the benchmark is incomplete or not comparable
    ├── ExportError                 50   a model cannot be exported
    ├── EdgeGateError               51   the edge gate failed and is enforced
    ├── StorageError                60   the storage is full, read-only or unreachable
    ├── RunLockedError              61   another process uses the run
    ├── MemoryShortageError         62   not enough memory
    └── ProjectBugError             70   a bug in the project

The classes derive from ``click.ClickException``: Kedro's command line prints
``Error: <message>`` on stderr and exits with ``exit_code`` under every runner.
Each takes exactly one positional argument, so that it survives pickling
between worker processes.
"""

import traceback
from dataclasses import dataclass
from types import FrameType

import click

from spline_lstm.text import first_line, printable

_LONGEST = 2_000
"""Characters of a message."""


class SplineLSTMError(click.ClickException):
    """Base of all project errors; ``message`` is one line that says what to do."""

    exit_code = 70

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message[:_LONGEST].split())))


class ParameterError(SplineLSTMError):
    """A parameter is unknown, of the wrong type or out of range."""

    exit_code = 2


class InputError(SplineLSTMError):
    """The table or its schema cannot be used."""


class TableError(InputError):
    """The table cannot be read, lacks a column, or holds text where numbers belong."""

    exit_code = 10


class TimeAxisError(InputError):
    """A timestamp is unparseable, duplicate, ambiguous or off the grid."""

    exit_code = 11


class ValuesError(InputError):
    """Values are infinite or constant, too many are missing, or a gap is too long."""

    exit_code = 12


class MissingCovariateError(InputError):
    """The table lacks a covariate that the schema marks as required."""

    exit_code = 13


class SchemaError(InputError):
    """The covariate schema is malformed, contradictory, or asks for the impossible."""

    exit_code = 14


class InsufficientDataError(InputError):
    """A split is too short to hold a single window."""

    exit_code = 26


class ArtifactError(SplineLSTMError):
    """An artifact of an earlier step cannot be used."""


class ArtifactMissingError(ArtifactError):
    """An artifact does not exist; the message names the command that makes it."""

    exit_code = 20


class ArtifactDamagedError(ArtifactError):
    """An artifact is truncated, altered, unsafe to load, or of another schema version."""

    exit_code = 21


class ShapeContractError(ArtifactError):
    """Arrays do not have the shapes that the contract states."""

    exit_code = 22


class RunIdMismatchError(ArtifactError):
    """Artifacts of different runs are mixed."""

    exit_code = 23


class TrainingDivergedError(SplineLSTMError):
    """The training or validation loss is no longer a finite number."""

    exit_code = 30


class ComparisonError(SplineLSTMError):
    """The benchmark's cells are incomplete, or differ in a setting that they must share."""

    exit_code = 40


class ExportError(SplineLSTMError):
    """A model cannot be exported to the requested format."""

    exit_code = 50


class EdgeGateError(SplineLSTMError):
    """The edge gate failed and ``edge_poc.enforce`` is set."""

    exit_code = 51


class StorageError(SplineLSTMError):
    """The storage is full, read-only or unreachable."""

    exit_code = 60
    advice = "make room there, or name a folder with room for temporary files: TMPDIR=..."

    @classmethod
    def of(cls, error: BaseException) -> "StorageError":
        """Describe a library's failure to write."""
        cause = error
        while cause.__cause__ is not None and not isinstance(cause, OSError):
            cause = cause.__cause__
        return cls(f"no room to write: {first_line(cause)}; {cls.advice}")


class RunLockedError(SplineLSTMError):
    """Another process works on the same run."""

    exit_code = 61


class MemoryShortageError(SplineLSTMError):
    """There is not enough memory; the message names the node and the settings to reduce."""

    exit_code = 62
    advice = (
        "make hidden_units, batch_size or lookback smaller, run fewer workers at once, or split a long table with "
        "partitions"
    )

    @classmethod
    def of(cls, error: BaseException) -> "MemoryShortageError":
        """Describe a library's failure to get memory, or the error for a killed worker."""
        names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__) if _is_node(frame)]
        what = f" in {names[0]}" if names else ""
        words = "a worker was killed, as systems do when memory runs out" if _is_killed(error) else first_line(error)
        return cls(f"not enough memory{what}: {words or type(error).__name__}; {cls.advice}")


class ProjectBugError(SplineLSTMError):
    """An unexpected failure inside the project."""

    exit_code = 70

    @classmethod
    def of(cls, error: BaseException) -> "ProjectBugError":
        """Describe an unexpected exception."""
        return cls(f"unexpected {type(error).__name__}: {error}; this is a bug in the project")


def own_error(error: BaseException) -> SplineLSTMError:
    """Return the project's error that other exceptions wrap; any other exception is a shortage or a bug."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, SplineLSTMError):
            return cause
        cause = cause.__cause__
    kind = is_shortage(error) or ProjectBugError
    unexpected = kind.of(error)
    unexpected.__cause__ = error
    return unexpected


_KILLED = ("BrokenProcessPool", "KilledWorker")
_SHORTAGES: dict[type[MemoryShortageError] | type[StorageError], tuple[str, ...]] = {
    MemoryShortageError: (
        "memoryerror",
        "cannot allocate memory",
        "failed to map segment",
        "can't start new thread",
        "bad_alloc",
        "bad allocation",
        "malloc of size",
        "unable to allocate",
        "out of memory",
    ),
    StorageError: (
        "no space left on device",
        "disk quota exceeded",
        "read-only file system",
        "no usable temporary directory",
    ),
}
"""Messages of libraries that get no memory or no storage, and have no exception class for it."""


def is_shortage(error: BaseException) -> type[MemoryShortageError] | type[StorageError] | None:
    """Return the class of shortage behind an error or its causes: memory (or a killed worker) or storage."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or type(cause).__name__ == "ResourceExhaustedError" or _is_killed(cause):
            return MemoryShortageError
        if isinstance(cause, OSError | RuntimeError | ImportError) and (found := shortage_of(str(cause))):
            return found
        cause = cause.__cause__
    return None


def shortage_of(text: str) -> type[MemoryShortageError] | type[StorageError] | None:
    """Return the class of shortage that a library's message describes; None if there is none."""
    last = text[-_LONGEST:].lower()
    return next((kind for kind, words in _SHORTAGES.items() if any(word in last for word in words)), None)


def _is_killed(error: BaseException) -> bool:
    return type(error).__name__ in _KILLED


def _is_node(frame: FrameType) -> bool:
    """Tell whether a frame belongs to a node."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.startswith("spline_lstm.pipelines.") and module.endswith(".nodes")


@dataclass(frozen=True)
class Failure:
    """The failure of a node in a benchmark cell, saved in place of its result: the other cells continue."""

    message: str
    exit_code: int
    traceback: str = ""
    """Traceback of a bug; empty for other errors."""

    @classmethod
    def of(cls, error: SplineLSTMError) -> "Failure":
        """Keep the fields that can pass between processes: an exception would lose its cause."""
        is_bug = isinstance(error, ProjectBugError)
        return cls(error.message, error.exit_code, "".join(traceback.format_exception(error)) if is_bug else "")

    def to_error(self) -> SplineLSTMError:
        """Return the error again, with its exit code, and its traceback, if known, as a note."""
        kinds: list[type[SplineLSTMError]] = _subclasses(SplineLSTMError)
        kind = next((kind for kind in kinds if vars(kind).get("exit_code") == self.exit_code), SplineLSTMError)
        error = kind(self.message)
        if self.traceback:
            error.add_note(self.traceback)
        return error


def exit_codes() -> set[int]:
    """Return all exit codes of the project."""
    return {kind.exit_code for kind in _subclasses(SplineLSTMError)}


def _subclasses(kind: type[SplineLSTMError]) -> list[type[SplineLSTMError]]:
    return [below for child in kind.__subclasses__() for below in (child, *_subclasses(child))]
