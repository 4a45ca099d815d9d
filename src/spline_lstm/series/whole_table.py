"""Training windows from all rows of a table, cut with the settings of a run."""

from spline_lstm.errors import ShapeContractError
from spline_lstm.series import assembly
from spline_lstm.series.filled_series import fill_series
from spline_lstm.series.forecast_windows import read_as_trained
from spline_lstm.series.grid import make_grid
from spline_lstm.series.model_input import ModelInput
from spline_lstm.series.preprocessor import Preprocessor
from spline_lstm.series.splits import SplitBorders
from spline_lstm.types import DataFrame


def make_training_windows(
    table: DataFrame, preprocessor: Preprocessor, *, processed_id: str, model_types: tuple[str, ...]
) -> ModelInput:
    """Fill gaps, learn scales and cut windows with the settings and decisions of a run; all windows are for training.

    Args:
        table: A raw table.
        preprocessor: How the run's table became windows.
        processed_id: Id of the result.
        model_types: Models that can be trained on it.

    Raises:
        TableError: A column is missing, or a cell is not a number.
        TimeAxisError: Timestamps are wrong, or their step is not the run's.
        ValuesError: A gap is too long, or too much is missing.
        MissingCovariateError: The run's covariate is not in the table.
        InsufficientDataError: No series holds a window.
        ShapeContractError: The features are not those of the run.

    """
    observed = read_as_trained(table, preprocessor)
    grid = make_grid(observed, preprocessor.freq, preprocessor.fills.max_gap)
    start, end = grid.borders[:-1], grid.borders[1:]
    filled = fill_series(grid, preprocessor.fills, SplitBorders(start, end, end, end), observed.sha256)
    made = assembly.make_model_input(
        filled,
        preprocessor.schema_in_use,
        preprocessor.table,
        preprocessor.windows,
        processed_id=processed_id,
        model_types=model_types,
    )
    if made.feature_names != preprocessor.feature_order:
        raise ShapeContractError(
            f"{grid.source} gives the features {', '.join(made.feature_names)}; the run has "
            f"{', '.join(preprocessor.feature_order)}"
        )
    return assembly.spread_lookback(made, preprocessor.ages[:, made.target_indices[0]], {})
