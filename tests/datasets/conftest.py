"""Datasets raise through Kedro, which wraps what they raise."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

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
