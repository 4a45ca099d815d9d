"""The body of a C function under construction: its values and their places, its statements and constants."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from spline_lstm.edge.quantise import round_to_int8
from spline_lstm.errors import ExportError
from spline_lstm.types import Float32

CPrecision = Literal["fp32", "fp16", "int8"]

Shape = tuple[int, ...]


@dataclass
class Value:
    """A tensor of one window, without the batch axis, in row-major order."""

    shape: Shape
    place: str
    """C expression for the pointer to its first element: `window`, or `work + 128`."""
    room: "Room | None" = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass
class Room:
    """A range of the workspace, and the last layer that reads it."""

    start: int
    size: int
    last: int = 0


@dataclass
class CNetwork:
    """The statements, and the constants, kernels and workspace that they use.

    Attributes:
        statements: Lines of the function's body.
        precision: Number format of the stored kernels.
        constants: Name to weights: float32, or kernels as whole numbers (fp16: their bits).
        kernels: Names of the functions that are called.
        work: Elements of the workspace.

    """

    precision: CPrecision = "fp32"
    statements: list[str] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    kernels: set[str] = field(default_factory=set)
    work: int = 0

    def constant(self, name: str, value: Any) -> str:
        """Add weights and return their name in C."""
        name = "".join(character if character.isalnum() else "_" for character in name)
        self.constants[name] = np.asarray(value, dtype=np.float32)
        return name

    def kernel(self, name: str, value: Float32) -> tuple[str, str]:
        """Add a kernel `(in, out)` in the wanted precision; return its name in C and the name of its scale.

        Raises:
            ExportError: A weight is too large for 16 bits.

        """
        if self.precision == "fp32":
            return self.constant(name, value), "0"
        if self.precision == "fp16":
            if np.abs(value).max(initial=0.0) > np.finfo(np.float16).max:
                raise ExportError(f"weights of '{name}' are too large for 16 bits")
            return self._whole(name, value.astype(np.float16).view(np.int16)), "0"
        rounded, scale = round_to_int8(value, 1)
        return self._whole(name, rounded), self.constant(f"{name}_scale", scale.reshape(-1))

    def kernels_of(self, name: str, value: Float32, *, exact: bool) -> list[tuple[str, str]]:
        """Add a kernel; in 8 bits, an `exact` kernel (its weights cancel each other) becomes the sum of two."""
        kernels = [self.kernel(name, value)]
        if exact and self.precision == "int8":
            rounded, scale = round_to_int8(value, 1)
            kernels.append(self.kernel(f"{name}_rest", (value - rounded * scale).astype(np.float32)))
        return kernels

    def _whole(self, name: str, value: np.ndarray) -> str:
        name = self.constant(name, value)
        self.constants[name] = value
        return name

    def call(self, kernel: str, *arguments: Any) -> None:
        """Add a call of a kernel."""
        self.kernels.add(kernel)
        self.statements.append(f"{kernel}({', '.join(map(str, arguments))});")

    def loops(self, shape: Shape, body: Callable[[list[str]], str]) -> None:
        """Add a statement for each element of a shape; `body` writes it, given the index along each axis."""
        indices = [f"i{axis}" for axis in range(len(shape))]
        lines = [
            f"{'    ' * axis}for (int {index} = 0; {index} < {count}; {index}++)"
            for axis, (index, count) in enumerate(zip(indices, shape, strict=True))
        ]
        self.statements += [*lines, "    " * len(shape) + body(indices)]


class Writer(CNetwork):
    """The statements under construction."""

    def __init__(self, shapes: dict[str, Shape], last_use: dict[str, int], precision: CPrecision) -> None:
        super().__init__(precision)
        self.shapes, self.last_use = shapes, last_use
        self.values: dict[str, Value] = {}
        self.rooms: list[Room] = []
        self.position = 0

    def make(self, shape: Shape, until: int) -> Value:
        """Take room for a value whose last reader is the layer at position `until`."""
        size, start = math.prod(shape), 0
        self.rooms = sorted((room for room in self.rooms if room.last >= self.position), key=lambda room: room.start)
        for room in self.rooms:
            if start + size <= room.start:
                break
            start = max(start, room.start + room.size)
        room = Room(start, size, until)
        self.rooms.append(room)
        self.work = max(self.work, start + size)
        return Value(shape, f"(work + {start})", room)

    def output(self, name: str) -> Value:
        """Take room for the value of a layer."""
        return self.make(self.shapes[name], self.last_use[name])

    def view(self, name: str, value: Value) -> Value:
        """Return a value with another shape for its layer; its room stays taken as long as the new value is read."""
        if value.room is not None:
            value.room.last = max(value.room.last, self.last_use[name])
        return Value(self.shapes[name], value.place, value.room)
