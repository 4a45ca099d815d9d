"""Boards as limits of the gate: an application may use half of their memory."""

from dataclasses import dataclass
from typing import Literal

Profile = Literal["laptop", "cortex-m4", "cortex-m7", "esp32"]
_INSTRUCTIONS_PER_MAC = 8
"""Instructions for each multiply-accumulate, counted for the default GRU in C on a Cortex-M4 under QEMU
(`tests/benchmarks/cortex_m.py`): 5.0 with weights in 32 bits, 8.0 in 16 and 7.4 in 8."""


@dataclass(frozen=True)
class Board:
    """The resources of a board, from its data sheet.

    Attributes:
        flash_bytes: For code and constants.
        ram_bytes: For variables and the stack.
        megahertz: Clock; an instruction is assumed to take one cycle.

    """

    flash_bytes: int
    ram_bytes: int
    megahertz: int

    def milliseconds(self, macs: int) -> float:
        """Estimate the duration of a forecast, given its multiply-accumulates."""
        return macs * _INSTRUCTIONS_PER_MAC / (self.megahertz * 1000)


BOARDS: dict[str, Board] = {
    "cortex-m4": Board(1_048_576, 196_608, 168),  # STM32F407VG
    "cortex-m7": Board(1_048_576, 327_680, 216),  # STM32F746ZG
    "esp32": Board(4_194_304, 532_480, 240),  # ESP32-WROOM-32E with 4 MB
}
