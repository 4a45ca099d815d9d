"""How good a forecast is: metrics, baselines, intervals, comparison and latency."""
