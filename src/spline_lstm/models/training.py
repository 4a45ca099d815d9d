"""Keras classes of the training loop; import this module only when training starts."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from spline_lstm.types import Float32


class ShuffledBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches in a new seeded order every epoch."""

    def __init__(self, X: Float32, y: Float32, *, batch_size: int, seed: int) -> None:
        super().__init__()
        self._X, self._y, self._batch_size = X, y, batch_size
        self._random = np.random.default_rng(seed)
        self._order = self._random.permutation(len(X))

    def __len__(self) -> int:
        """Number of batches an epoch."""
        return math.ceil(len(self._X) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Float32, Float32]:
        """Return batch `index` of the current epoch."""
        rows = np.sort(self._order[index * self._batch_size : (index + 1) * self._batch_size])
        return self._X[rows], self._y[rows]

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._order = self._random.permutation(len(self._X))


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep the weights with the lowest validation loss, those before the first step included; stop early."""

    def __init__(
        self,
        val: tuple[Float32, Float32],
        *,
        patience: int,
        batch_size: int,
        on_epoch: Callable[[dict[str, float | None]], None],
    ) -> None:
        super().__init__()
        self._val, self._patience, self._batch_size, self._on_epoch = val, patience, batch_size, on_epoch
        self.history: list[dict[str, float | None]] = []
        self.best_epoch = 0
        self.best_loss = np.inf
        self.best_weights: list[Float32] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras' interface
        """Judge the untrained network as epoch 0."""
        self._judge(0, None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Judge the epoch; stop when nothing has improved for `patience` epochs or the loss is not finite."""
        loss = float((logs or {})["loss"])
        val_loss = self._judge(epoch + 1, loss)
        diverged = not np.isfinite(loss) or not np.isfinite(val_loss)
        if diverged or epoch + 1 - self.best_epoch >= self._patience:
            self.model.stop_training = True

    def _judge(self, epoch: int, loss: float | None) -> float:
        X, y = self._val
        error = self.model.predict(X, batch_size=self._batch_size, verbose=0) - y
        val_loss = float(np.nanmean(np.square(error, dtype=np.float64)))
        if val_loss < self.best_loss:
            self.best_epoch, self.best_loss = epoch, val_loss
            self.best_weights = [np.array(weight) for weight in self.model.get_weights()]
        entry = {"epoch": epoch, "loss": loss, "val_loss": val_loss}
        self.history.append(entry)
        self._on_epoch(entry)
        return val_loss
