"""Arrays in an npz file."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spline_lstm.datasets import arrays
from spline_lstm.errors import ArtifactDamagedError

ARRAYS = {
    "name": np.asarray("run"),
    "large": np.arange(200_000, dtype=np.float64).reshape(-1, 4),
    "odd": np.arange(7, dtype=np.int8),
    "more": np.arange(300_000, dtype=np.int32),
    "by_columns": np.asfortranarray(np.arange(400_000.0).reshape(1_000, 400)),
    "empty": np.zeros((0, 3), dtype=np.float32),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    arrays.write_arrays(tmp_path / "a.npz", ARRAYS)
    return tmp_path / "a.npz"


def is_mapped(array: np.ndarray) -> bool:
    return isinstance(array.base, np.memmap)


@pytest.mark.parametrize("mapped", [True, False])
def test_what_is_written_is_read(path: Path, mapped: bool) -> None:
    read = arrays.read_arrays(path, tuple(ARRAYS), mapped=mapped)
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_large_arrays_are_mapped_where_that_is_asked_for_and_others_read(path: Path) -> None:
    read = arrays.read_arrays(path, tuple(ARRAYS), mapped=True)
    assert {name for name, array in read.items() if is_mapped(array)} == {"large", "more"}
    assert all(array.flags.aligned for array in read.values())
    assert not any(is_mapped(array) for array in arrays.read_arrays(path, tuple(ARRAYS)).values())


def test_numpy_reads_the_file_too(path: Path) -> None:
    with np.load(path) as archive:
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(archive[name], array)


def test_the_same_arrays_give_the_same_bytes(path: Path, tmp_path: Path) -> None:
    arrays.write_arrays(tmp_path / "b.npz", ARRAYS)
    assert (tmp_path / "b.npz").read_bytes() == path.read_bytes()


def test_what_numpy_has_written_is_read_whole(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "c.npz", **ARRAYS)
        read = arrays.read_arrays(tmp_path / "c.npz", tuple(ARRAYS), mapped=True)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(read[name], array)


def test_only_what_is_wanted_and_there_is_read(path: Path) -> None:
    assert list(arrays.read_arrays(path, ("odd", "missing"))) == ["odd"]
    assert arrays.read_headers(path, ("odd", "missing")) == {"odd": ((7,), np.dtype(np.int8))}


def test_a_changed_byte_is_noticed_where_arrays_are_read(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        content[archive.getinfo("more.npy").header_offset + 500_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactDamagedError, match="is damaged: Bad CRC-32"):
        arrays.read_arrays(path, ("more",))


class _Payload:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_objects_are_refused_and_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", allow_pickle=True, hostile=np.array([_Payload(tmp_path / "executed")], dtype=object))
    with pytest.raises(ArtifactDamagedError, match="is damaged: Object arrays cannot be loaded"):
        arrays.read_arrays(tmp_path / "a.npz", ("hostile",), mapped=True)
    assert not (tmp_path / "executed").exists()


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        arrays.write_arrays(tmp_path / "a.npz", {"objects": np.array([{}], dtype=object)})


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_an_array_is_read_in_both_versions_of_its_header(tmp_path: Path, version: tuple[int, int]) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, ARRAYS["odd"], version=version)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("odd.npy", content.getvalue())
    np.testing.assert_array_equal(arrays.read_arrays(tmp_path / "a.npz", ("odd",))["odd"], ARRAYS["odd"])


def test_an_array_that_declares_more_than_it_holds_is_named(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array(content, ARRAYS["odd"])
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("odd.npy", content.getvalue()[:-1])
    with pytest.raises(ArtifactDamagedError, match=r"'odd' declares \(7,\) values of int8, 7 bytes, and holds 6"):
        arrays.read_headers(tmp_path / "a.npz", ("odd",))
