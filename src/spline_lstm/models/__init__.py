"""The forecasting models; TensorFlow loads when one is built, not before."""
