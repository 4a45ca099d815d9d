"""Spline-LSTM: from a table of time series to a fairly compared forecaster for small devices."""

import logging
from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """Load the notebook extension, `%load_ext spline_lstm`: that of Kedro without its log lines."""
    logging.disable(logging.INFO)
    try:
        shell.extension_manager.load_extension("kedro.ipython")
    finally:
        logging.disable(logging.NOTSET)
