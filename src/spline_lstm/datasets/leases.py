"""Locks of what lies in buckets: one process writes, or several read.

A process that holds something has an object under `.locks` that says what, and until when. It writes the object anew
while it lives. A killed one stops doing so, and its lease ends by itself.

Every process writes its own lease before it looks at those of the others, and goes on only if none is in its way. So
of two that come at once, at least one sees the other. This needs no more of a store than that a list shows what was
written before; see docs/adr/0014-leases-in-a-bucket.md.
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

logger = logging.getLogger(__name__)

_LEASE_SECONDS = 120.0
_RENEWAL_SECONDS = 30.0
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Lease:
    """What one process holds of what lies in buckets.

    Attributes:
        written: Addresses that no other process may use.
        read: Addresses that others may read at the same time.
        started: When it was taken.
        expires: When it ends, unless it is written anew before.
        host: The machine it runs on.
        process: Its process id there.
        token: The name of the lease: the only thing that tells two processes apart everywhere.

    """

    written: frozenset[str]
    read: frozenset[str]
    started: AwareDatetime
    expires: AwareDatetime
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def shared_with(self, other: "Lease") -> set[str]:
        """Return what both cannot have at the same time."""
        return set((self.written & (other.written | other.read)) | (self.read & other.written))


class BucketLocks:
    """What this process has locked in buckets."""

    def __init__(self) -> None:
        self._lease: Lease | None = None
        self._folders: list[Address] = []
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        HELD.add(self)

    def take(self, data: Address | None, *, written: Iterable[Address], read: Iterable[Address] = ()) -> None:
        """Lock addresses in place of those held so far: all of them or none.

        Args:
            data: The folder for the leases, under `.locks`; without one, the bucket of each address.
            written: No other process may use these.
            read: Others may read these at the same time.

        Raises:
            RunLockedError: Another process uses one of them.
            StorageError: A store cannot be reached, or refuses.

        """
        self.release()
        wanted = dict.fromkeys(read, False) | dict.fromkeys(written, True)
        if not wanted:
            return
        alone, shared = (frozenset(place.url for place, own in wanted.items() if own is kind) for kind in (True, False))
        self._lease = Lease(alone, shared, started=_now(), expires=_end())
        self._folders = sorted({(data or address.bucket) / ".locks" for address in wanted})
        try:
            for folder in self._folders:
                _take(folder, self._lease)
        except BaseException:
            self.release()
            raise
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, args=(self._lease, self._ended), daemon=True)
        self._renewing.start()

    def release(self) -> None:
        """Give everything back. Workers that were forked have nothing to give."""
        lease, self._lease = self._lease, None
        if lease is None or lease.process != os.getpid():
            return
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
            self._renewing = None
        for folder in self._folders:
            with suppress(StorageError):  # it expires
                _place_of(folder, lease).unlink()

    def _renew(self, lease: Lease, ended: threading.Event) -> None:
        """Write the lease anew, again and again."""
        while not ended.wait(_RENEWAL_SECONDS):
            is_late = lease.expires < _now()
            renewed = replace(lease, expires=_end())
            try:
                for folder in self._folders:
                    _write(folder, renewed)
                    if is_late and (other := _in_the_way(folder, renewed)):
                        logger.error("This process stood still for too long; %s", _describe(other, renewed))
                        _thread.interrupt_main(signal.SIGTERM)
                        return
                lease = renewed
            except StorageError as error:
                logger.warning("%s; trying again in %g s", error.message, _RENEWAL_SECONDS)


def _take(folder: Address, lease: Lease) -> None:
    """Write a lease as soon as none is in its way, waiting a moment for those that are being released."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    stands = False
    while (other := _in_the_way(folder, lease)) is not None or not stands:
        if other is None:
            _write(folder, lease)
            stands = True
        elif time.monotonic() > deadline:
            raise RunLockedError(_describe(other, lease))
        else:
            if stands and other.token < lease.token:  # of two that came at once, one gives way
                _place_of(folder, lease).unlink()
                stands = False
            time.sleep(0.1)


def _in_the_way(folder: Address, lease: Lease) -> Lease | None:
    """Return another process's lease of the same addresses; those that have ended are removed."""
    for place in folder.iterdir():
        if place.name == _place_of(folder, lease).name:
            continue
        other = _read(place)
        if other is None:
            continue
        if other.expires < _now():
            place.unlink()
        elif lease.shared_with(other):
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
    """Read a lease; what is none holds nothing, and neither does one that has just been given back."""
    try:
        found: Any = TypeAdapter(Lease).validate_json(place.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return found if isinstance(found, Lease) else None


def _now() -> datetime:
    return datetime.now(UTC)


def _end() -> datetime:
    return _now() + timedelta(seconds=_LEASE_SECONDS)
