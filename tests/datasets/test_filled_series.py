from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spline_lstm.datasets import FilledSeriesDataset
from spline_lstm.datasets.arrays import write_arrays
from spline_lstm.errors import ArtifactDamagedError, ArtifactMissingError
from spline_lstm.series.filled_series import FilledSeries

Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def dataset(tmp_path: Path) -> FilledSeriesDataset:
    return FilledSeriesDataset(filepath=str(tmp_path / "part.npz"), made_by="kedro run")


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")  # type: ignore[attr-defined]
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return one == other


def test_what_is_read_is_what_was_saved(
    dataset: FilledSeriesDataset, fill_table: Callable[..., FilledSeries], make_table: Callable[..., pd.DataFrame]
) -> None:
    filled = fill_table(make_table())
    dataset.save(filled)
    assert same(filled, dataset.load())
    assert dataset.exists()


def test_in_a_bucket_too(
    bucket: str, fill_table: Callable[..., FilledSeries], make_table: Callable[..., pd.DataFrame]
) -> None:
    filled = fill_table(make_table())
    dataset = FilledSeriesDataset(filepath=f"{bucket}/part.npz", made_by="kedro run")
    dataset.save(filled)
    assert same(filled, dataset.load())


def test_a_missing_file_says_what_makes_it(dataset: FilledSeriesDataset, refuses_load: Refuses) -> None:
    with refuses_load(ArtifactMissingError, 20, "part.npz is missing; make it with: kedro run"):
        dataset.load()


@pytest.mark.parametrize("lost", ["header", "grid.values", "fills.last_used", "borders.end"])
def test_a_file_that_lacks_something_is_damaged(
    lost: str, dataset: FilledSeriesDataset, fill_table: Callable[..., FilledSeries],
    make_table: Callable[..., pd.DataFrame], refuses_load: Refuses,
) -> None:  # fmt: skip
    dataset.save(fill_table(make_table()))
    with np.load(dataset.place) as file:
        arrays = {name: file[name] for name in file.files if name != lost}
    write_arrays(dataset.place, arrays)
    with refuses_load(ArtifactDamagedError, 21, "part.npz is damaged", lost, "make it with: kedro run"):
        dataset.load()


@pytest.mark.parametrize("header", [b"", b"{}", b"[1", bytes(range(256))])
def test_another_header_is_damage(
    header: bytes, dataset: FilledSeriesDataset, fill_table: Callable[..., FilledSeries],
    make_table: Callable[..., pd.DataFrame], refuses_load: Refuses,
) -> None:  # fmt: skip
    dataset.save(fill_table(make_table()))
    with np.load(dataset.place) as file:
        arrays = {name: file[name] for name in file.files}
    write_arrays(dataset.place, arrays | {"header": np.frombuffer(header, np.uint8)})
    with refuses_load(ArtifactDamagedError, 21, "part.npz is damaged"):
        dataset.load()
