"""The GRU forecaster."""

from typing import Any, ClassVar

from spline_lstm.models.base import ForecastModel
from spline_lstm.models.layers import recurrent_layers


class GRUModel(ForecastModel):
    """Stacked GRU layers; the last state is the summary of the window."""

    model_type: ClassVar[str] = "gru"

    def encode(self, sequence: Any) -> Any:
        """Map `(B, steps, channels)` to the last state, `(B, hidden_units[-1])`."""
        return recurrent_layers("GRU", sequence, self.hidden_units, self.dropout, return_sequences=False)
