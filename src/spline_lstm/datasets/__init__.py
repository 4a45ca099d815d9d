"""Kedro datasets: the only place that reads and writes files. All writes are atomic."""

from spline_lstm.datasets.files import (
    BytesDataset,
    CSVDataset,
    FilesDataset,
    JSONDataset,
    ParquetDataset,
    PlotlyDataset,
    TextDataset,
)
from spline_lstm.datasets.filled_series import FilledSeriesDataset
from spline_lstm.datasets.inputs import SchemaDataset, TableDataset, TableFilesDataset
from spline_lstm.datasets.later_table import LaterTableDataset
from spline_lstm.datasets.model_input import ModelInputDataset
from spline_lstm.datasets.trained_run import TrainedRunDataset

__all__ = [
    "BytesDataset",
    "CSVDataset",
    "FilesDataset",
    "FilledSeriesDataset",
    "JSONDataset",
    "LaterTableDataset",
    "ModelInputDataset",
    "ParquetDataset",
    "PlotlyDataset",
    "SchemaDataset",
    "TableDataset",
    "TableFilesDataset",
    "TextDataset",
    "TrainedRunDataset",
]
