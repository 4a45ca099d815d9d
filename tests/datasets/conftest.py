"""Datasets raise through Kedro, which wraps what they raise."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import fsspec
import pytest
from kedro.io.core import DatasetError

from spline_lstm.errors import SplineLSTMError

Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="session")
def refuses_load(refuses: Refuses) -> Refuses:
    """As `refuses`, without the wrapping that Kedro puts around what a dataset raises."""

    @contextmanager
    def expect(error: type[SplineLSTMError], exit_code: int, *parts: str) -> Iterator[None]:
        with refuses(error, exit_code, *parts):
            try:
                yield
            except DatasetError as wrapped:
                raise wrapped.__cause__ or wrapped from None

    return expect


@pytest.fixture
def bucket() -> Iterator[str]:
    """The address of an empty folder in a bucket of this process."""
    name = f"bucket-{uuid.uuid4().hex}"
    yield f"memory://{name}/folder"
    system = fsspec.filesystem("memory")
    if system.exists(f"/{name}"):
        system.rm(f"/{name}", recursive=True)


@pytest.fixture(params=["on this machine", "in a bucket"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> str:
    """An empty folder, in each of the two places that a dataset may have."""
    return str(tmp_path) if request.param == "on this machine" else bucket
