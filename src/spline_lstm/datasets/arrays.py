"""Arrays in an npz file: they can be mapped into memory, and are read without unpickling."""

import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spline_lstm.datasets.storage import shown
from spline_lstm.errors import ArtifactDamagedError
from spline_lstm.text import first_line
from spline_lstm.zip_sizes import check_zip_sizes

_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_ALIGNMENT = 64
_LOCAL_HEADER, _NAME_LENGTH_AT, _ZIP64_EXTRA = 30, 26, 20  # bytes; see the ZIP specification, 4.3.7 and 4.5.3
_PADDING_ID = 0xD935  # an extra field that readers ignore
_SMALLEST_MAP = 1 << 20

Header = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as `numpy.savez` does, but aligned for memory mapping; equal arrays give equal files.

    Raises:
        OSError: The storage is full or read-only.

    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            begin = archive.fp.tell() + _LOCAL_HEADER + len(entry.filename) + _ZIP64_EXTRA + 4  # type: ignore[union-attr]
            padding = -begin % _ALIGNMENT
            entry.extra = _PADDING_ID.to_bytes(2, "little") + padding.to_bytes(2, "little") + bytes(padding)
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def read_arrays(
    path: Path, wanted: tuple[str, ...], *, mapped: bool = False, source: str | None = None
) -> dict[str, np.ndarray]:
    """Read the wanted arrays that the file holds, and no others.

    Args:
        path: The file.
        wanted: Names of arrays.
        mapped: Map large arrays instead; the archive's checksum of their bytes is then not checked.
        source: The file's name in messages; by default its path.

    Raises:
        ArtifactDamagedError: The file is damaged, or holds objects.

    """
    with _opened(path, source) as archive:
        return {name: _read(path, archive, entry, mapped=mapped) for name, entry in _entries(archive, wanted).items()}


def read_headers(path: Path, wanted: tuple[str, ...], *, source: str | None = None) -> dict[str, Header]:
    """Read shape and type of the wanted arrays that the file holds.

    Raises:
        ArtifactDamagedError: The file is damaged.

    """
    with _opened(path, source) as archive:
        return {name: _header(archive, entry)[0] for name, entry in _entries(archive, wanted).items()}


@contextmanager
def _opened(path: Path, source: str | None) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            check_zip_sizes(archive, path.stat().st_size)
            yield archive
    except Exception as error:  # damaged archives raise almost anything
        raise ArtifactDamagedError(
            f"{source or shown(path)} is damaged: {first_line(error)}; run the preprocessing again"
        ) from None


def _entries(archive: zipfile.ZipFile, wanted: tuple[str, ...]) -> dict[str, zipfile.ZipInfo]:
    return {entry.filename[:-4]: entry for entry in archive.infolist() if entry.filename[:-4] in wanted}


def _header(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[Header, bool, int]:
    """Return an array's header, whether it is stored column by column, and the header's length in bytes.

    The array is refused if its header declares more or less data than the file holds: the header decides how much
    memory is reserved.
    """
    with archive.open(entry) as file:
        read_header = _HEADER_READERS[np.lib.format.read_magic(file)]
        shape, by_columns, dtype = read_header(file)
        length = file.tell()
    held, declared = entry.file_size - length, math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and (declared != held or not dtype.itemsize):
        name = entry.filename[:-4]
        raise ValueError(f"'{name}' declares {shape} values of {dtype}, {declared:,} bytes, and holds {held:,}")
    return (shape, dtype), by_columns, length


def _read(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, mapped: bool) -> np.ndarray:
    (shape, dtype), by_columns, length = _header(archive, entry)
    offset = _data_offset(archive, entry) + length
    fits = entry.compress_type == zipfile.ZIP_STORED and offset % _ALIGNMENT == 0 and not by_columns
    if mapped and fits and entry.file_size > _SMALLEST_MAP and not dtype.hasobject:
        return np.asarray(np.memmap(path, dtype, mode="r", offset=offset, shape=shape))
    with archive.open(entry) as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _data_offset(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Return where an entry's data begins: after the local header, its name and its extra field."""
    file: Any = archive.fp
    file.seek(entry.header_offset + _NAME_LENGTH_AT)
    lengths = np.frombuffer(file.read(4), "<u2")
    return int(entry.header_offset + _LOCAL_HEADER + lengths.sum())
