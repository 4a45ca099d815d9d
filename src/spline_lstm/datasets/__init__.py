"""Kedro datasets: the only place that reads and writes files. All writes are atomic."""

from spline_lstm.datasets.files import BytesDataset, FilesDataset, JSONDataset, ParquetDataset, TextDataset
from spline_lstm.datasets.inputs import SchemaDataset, TableDataset
from spline_lstm.datasets.model_input import ModelInputDataset

__all__ = [
    "BytesDataset",
    "FilesDataset",
    "JSONDataset",
    "ModelInputDataset",
    "ParquetDataset",
    "SchemaDataset",
    "TableDataset",
    "TextDataset",
]
