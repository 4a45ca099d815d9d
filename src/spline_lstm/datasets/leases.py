"""Locks of files and folders in buckets: one process writes, or several read.

A process holds a lease: an object under `.locks` of the bucket that names the locked addresses and an end. The process
renews the lease while it lives. The lease of a killed process ends by itself.

Every process writes its own lease before it reads the others, and continues only if none conflicts. So of two processes
that start together, at least one sees the other. The store only has to list all objects that were written before; see
docs/adr/0014-leases-in-a-bucket.md.
"""

import _thread
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from spline_lstm.datasets.address import Address
from spline_lstm.datasets.locks import HELD
from spline_lstm.errors import RunLockedError, StorageError
from spline_lstm.text import first_line

logger = logging.getLogger(__name__)

_LEASE_SECONDS = 120.0
_RENEWAL_SECONDS = 30.0
_SKEW = timedelta(seconds=60)
"""How far the clocks of two machines may differ."""
_LEFTOVER = timedelta(hours=1)
"""How long a lease stays after its end: its process may have been suspended, and may still renew it."""
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Lease:
    """The addresses in buckets that one process holds.

    Attributes:
        written: Addresses that no other process may use.
        read: Addresses that others may read at the same time.
        started: When the lease was taken.
        expires: When the lease ends, unless it is renewed.
        host: The machine of the process.
        process: Process id on that machine.
        token: Name of the lease; only the token identifies a process across all machines.

    """

    written: frozenset[str]
    read: frozenset[str]
    started: AwareDatetime
    expires: AwareDatetime
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def shared_with(self, other: "Lease") -> set[str]:
        """Return the addresses that the two leases cannot hold at the same time."""
        return set((self.written & (other.written | other.read)) | (self.read & other.written))


class BucketLocks:
    """The locks of this process in buckets."""

    def __init__(self) -> None:
        self._lease: Lease | None = None
        self._folders: list[Address] = []
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        self._lost = ""
        HELD.add(self)

    def take(self, *, written: Iterable[Address], read: Iterable[Address] = ()) -> None:
        """Lock all addresses or none; they replace those held so far.

        Args:
            written: No other process may use these.
            read: Others may read these at the same time.

        Raises:
            RunLockedError: Another process uses one of them.
            StorageError: A store cannot be reached, or refuses.

        """
        self.release()
        self._lost = ""
        wanted = dict.fromkeys(read, False) | dict.fromkeys(written, True)
        if not wanted:
            return
        alone, shared = (frozenset(place.url for place, own in wanted.items() if own is kind) for kind in (True, False))
        self._lease = Lease(alone, shared, started=_now(), expires=_end())
        self._folders = sorted({address.bucket / ".locks" for address in wanted})
        try:
            for folder in self._folders:
                _take(folder, self._lease)
        except BaseException:
            self.release()
            raise
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, args=(self._lease, self._ended), daemon=True)
        self._renewing.start()

    def check_held(self) -> None:
        """Refuse to continue if this process was suspended and another process took its lease.

        Raises:
            RunLockedError: Names the other process.

        """
        if self._lost:
            raise RunLockedError(self._lost)

    def release(self) -> None:
        """Release everything. Forked workers hold nothing."""
        lease, self._lease = self._lease, None
        if lease is None or lease.process != os.getpid():
            return
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
            self._renewing = None
        for folder in self._folders:
            with suppress(StorageError):  # the lease expires
                _place_of(folder, lease).unlink()

    def _renew(self, lease: Lease, ended: threading.Event) -> None:
        """Renew the lease at regular intervals."""
        while not ended.wait(_RENEWAL_SECONDS):
            try:
                renewed = replace(lease, expires=_end())
                for folder in self._folders:
                    _write(folder, renewed)
                    if lease.expires - _SKEW < _now() and (other := _in_the_way(folder, renewed)):
                        self._lose(f"this process stood still for too long; {_describe(other, renewed)}")
                        return
                lease = renewed
            except Exception as error:  # after any error the run continues and needs its lease
                reason = first_line(error) or type(error).__name__
                logger.warning("%s; trying again in %g s", reason, _RENEWAL_SECONDS)

    def _lose(self, reason: str) -> None:
        """Forbid all further writes; on the command line, a signal stops the run at once."""
        logger.error("%s", reason)
        self._lost = reason
        if callable(signal.getsignal(signal.SIGTERM)):
            _thread.interrupt_main(signal.SIGTERM)


def _take(folder: Address, lease: Lease) -> None:
    """Write a lease as soon as no other conflicts; wait a moment for leases that are being released."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    stands = False
    while (other := _in_the_way(folder, lease)) is not None or not stands:
        if other is None:
            _write(folder, lease)
            stands = True
        elif time.monotonic() > deadline:
            raise RunLockedError(_describe(other, lease))
        else:
            if stands and other.token < lease.token:  # of two processes that start together, one gives way
                _place_of(folder, lease).unlink()
                stands = False
            time.sleep(0.1)


def _in_the_way(folder: Address, lease: Lease) -> Lease | None:
    """Return a conflicting lease of another process; remove leases that ended long ago."""
    for place in folder.iterdir():
        if place.name == _place_of(folder, lease).name:
            continue
        other = _read(place)
        if other is None:
            continue
        if other.expires + _LEFTOVER < _now():
            place.unlink()
        elif other.expires >= _now() and lease.shared_with(other):
            return other
    return None


def _describe(other: Lease, lease: Lease) -> str:
    place = Address(min(lease.shared_with(other)))
    return (
        f"{place} is in use by process {other.process} on {other.host}; wait for its end, or give another run_id (if "
        f"it was killed, its lock ends at {other.expires:%Y-%m-%d %H:%M:%S} UTC)"
    )


def _place_of(folder: Address, lease: Lease) -> Address:
    return folder / f"{lease.token}.json"


def _write(folder: Address, lease: Lease) -> None:
    _place_of(folder, lease).write_bytes(TypeAdapter(Lease).dump_json(lease, indent=2))


def _read(place: Address) -> Lease | None:
    """Read a lease; None if the object is not a lease or has just been removed."""
    try:
        found: Any = TypeAdapter(Lease).validate_json(place.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return found if isinstance(found, Lease) else None


def _now() -> datetime:
    return datetime.now(UTC)


def _end() -> datetime:
    return _now() + timedelta(seconds=_LEASE_SECONDS)
