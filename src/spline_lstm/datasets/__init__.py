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
from spline_lstm.datasets.forecasts import ForecastsDataset
from spline_lstm.datasets.inputs import SchemaDataset, TableDataset, TableFilesDataset
from spline_lstm.datasets.later_table import LaterTableDataset, LaterTablesDataset
from spline_lstm.datasets.model_input import ModelInputDataset
from spline_lstm.datasets.trained_run import TrainedRunDataset

__all__ = [
    "BytesDataset",
    "CSVDataset",
    "FilesDataset",
    "FilledSeriesDataset",
    "ForecastsDataset",
    "JSONDataset",
    "LaterTableDataset",
    "LaterTablesDataset",
    "ModelInputDataset",
    "ParquetDataset",
    "PlotlyDataset",
    "SchemaDataset",
    "TableDataset",
    "TableFilesDataset",
    "TextDataset",
    "TrainedRunDataset",
]
