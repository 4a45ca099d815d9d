"""The one place that loads Keras: quiet, on TensorFlow, and deterministic."""

import os
from typing import Any


def load_keras() -> Any:
    """Import Keras on TensorFlow with deterministic operations and without start-up messages."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import keras
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    return keras
