"""Layers that several model types are built from."""

from typing import Any, Literal

from spline_lstm.models.backend import load_keras


def recurrent_layers(
    kind: Literal["LSTM", "GRU"], sequence: Any, units: tuple[int, ...], dropout: float, *, return_sequences: bool
) -> Any:
    """Stack recurrent layers, named `recurrent_0`, `recurrent_1`, ..., with dropout after each.

    Args:
        kind: The recurrent cell.
        sequence: Input, `(B, steps, channels)`.
        units: Width of each layer.
        dropout: Share of outputs dropped in training.
        return_sequences: Whether the last layer returns every step or the last state.

    Returns:
        `(B, steps, units[-1])` or `(B, units[-1])`.

    """
    layers = load_keras().layers
    for depth, width in enumerate(units):
        every_step = return_sequences or depth < len(units) - 1
        sequence = getattr(layers, kind)(width, return_sequences=every_step, name=f"recurrent_{depth}")(sequence)
        if dropout:
            sequence = layers.Dropout(dropout, name=f"dropout_{depth}")(sequence)
    return sequence


def additive_attention(states: Any, units: int) -> Any:
    """Weight the states of all steps by additive attention.

    Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate",
    2015, with the query left out: `softmax(v' tanh(W h))`.

    Args:
        states: `(B, steps, units)`.
        units: Width of the hidden layer.

    Returns:
        The weighted sum, `(B, units)`.

    """
    keras = load_keras()
    hidden = keras.layers.Dense(units, activation="tanh", name="attention_hidden")(states)
    scores = keras.layers.Dense(1, use_bias=False, name="attention_score")(hidden)
    weights = keras.layers.Softmax(axis=1, name="attention_weights")(scores)  # (B, steps, 1)
    context = keras.layers.Dot(axes=1, name="attention_context")([weights, states])  # (B, 1, units)
    return keras.layers.Flatten(name="context")(context)
