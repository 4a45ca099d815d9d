"""One folder a pipeline: nodes adapt the domain code, pipeline.py wires them."""
