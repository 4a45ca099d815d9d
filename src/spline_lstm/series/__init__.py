"""From a table to windows: pure functions on arrays, no Kedro and no TensorFlow."""
