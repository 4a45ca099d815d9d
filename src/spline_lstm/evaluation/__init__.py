"""How good a forecast is: metrics, baselines, latency and the report."""
