"""Trains a recurrent model of another library; run by the Python that has the library, without the project.

`python peer_models.py neuralforecast processed.npz result.json 1000`: the last number is the steps of neuralforecast or
the epochs of darts. Beside the size, which is that of ours, and what only prints or logs, everything is the library's
own default: neuralforecast so trains on the absolute error and has two dense layers of 128 behind its LSTM.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

LOOKBACK = HORIZON = 24
UNITS = 64
QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}


def train_neuralforecast(series, budget):
    """Returns what forecasts windows `(windows, lookback)` with an LSTM trained on some series."""
    import pandas as pd
    from neuralforecast import NeuralForecast
    from neuralforecast.models import LSTM

    def table(parts):
        steps = [np.arange(len(part)) for part in parts]
        names = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return pd.DataFrame({"unique_id": names, "ds": np.concatenate(steps), "y": np.concatenate(parts)})

    size = {"encoder_hidden_size": UNITS, "encoder_n_layers": 1, "max_steps": budget}
    forecaster = NeuralForecast(models=[LSTM(h=HORIZON, input_size=LOOKBACK, **size, **QUIET)], freq=1)
    forecaster.fit(table(series))

    def forecast(windows):
        found = forecaster.predict(df=table(list(windows))).sort_values(["unique_id", "ds"])
        return found["LSTM"].to_numpy().reshape(len(windows), HORIZON)

    return forecast


def train_darts(series, budget):
    """Returns what forecasts windows `(windows, lookback)` with a BlockRNNModel trained on some series."""
    from darts import TimeSeries
    from darts.models import BlockRNNModel

    size = {"input_chunk_length": LOOKBACK, "output_chunk_length": HORIZON, "hidden_dim": UNITS, "n_rnn_layers": 1}
    model = BlockRNNModel(model="LSTM", n_epochs=budget, pl_trainer_kwargs=QUIET, **size)
    model.fit([TimeSeries.from_values(part) for part in series], verbose=False)

    def forecast(windows):
        inputs = [TimeSeries.from_values(window) for window in windows]
        found = model.predict(HORIZON, series=inputs, batch_size=1_024, verbose=False)
        return np.stack([part.values()[:, 0] for part in found])

    return forecast


def main(library, data, result, budget):
    """Train on the training part, then write the loss on the validation windows and the seconds that took."""
    with np.load(data) as file:
        val = file["window_split"] == 1
        target = int(file["target_indices"][0])
        X, y, seen = file["X"][val][:, :, target], file["y"][val], file["y_mask"][val]
        column, train = file["scaled"][:, target], file["row_split"] == 0
        names = file["row_series"]
        series = [column[train & (names == name)] for name in np.unique(names)]
    forecast = {"neuralforecast": train_neuralforecast, "darts": train_darts}[library](series, int(budget))
    trained_at = time.time()
    loss = float(np.mean(np.square(forecast(X) - y, dtype=np.float64)[seen]))
    Path(result).write_text(json.dumps({"loss": loss, "trained_at": trained_at}))


if __name__ == "__main__":
    main(*sys.argv[1:])
