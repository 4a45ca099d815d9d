"""The LSTM forecaster with attention over its steps."""

from typing import Any, ClassVar

from spline_lstm.models.base import ForecastModel
from spline_lstm.models.layers import additive_attention, recurrent_layers


class AttentionLSTMModel(ForecastModel):
    """Stacked LSTM layers; an attention-weighted mean of all states is the summary of the window."""

    model_type: ClassVar[str] = "attention_lstm"

    def encode(self, sequence: Any) -> Any:
        """Map `(B, steps, channels)` to a context, `(B, hidden_units[-1])`."""
        states = recurrent_layers("LSTM", sequence, self.hidden_units, self.dropout, return_sequences=True)
        return additive_attention(states, self.hidden_units[-1])
