"""The catalog of runs."""

from typing import Any

from kedro.framework.context import CatalogCommandsMixin
from kedro.io import AbstractDataset, DataCatalog, MemoryDataset


class ProjectCatalog(DataCatalog, CatalogCommandsMixin):
    """Kedro's catalog with a fixed way to copy parameters; otherwise Kedro imports pandas at every start."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Add a dataset, or a value in memory."""
        if (key == "parameters" or key.startswith("params:")) and not isinstance(value, AbstractDataset):
            value = MemoryDataset(value, copy_mode="deepcopy")
        super().__setitem__(key, value)
