"""The one place that loads Keras: quiet, on TensorFlow, and deterministic."""

import logging
import os
from contextlib import suppress
from typing import Any


def load_keras() -> Any:
    """Import Keras on TensorFlow with deterministic operations and without start-up messages.

    TensorFlow uses one thread: two make a step of these small networks no faster. So the same seed gives the same
    weights on any number of cores, and cells that train in parallel do not slow each other down.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    # If several models train in one process, TensorFlow warns of each graph that it traces for the next model.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import keras
    import tensorflow as tf

    with suppress(RuntimeError):  # TensorFlow is in use already, as in a notebook: its threads stay
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    return keras
