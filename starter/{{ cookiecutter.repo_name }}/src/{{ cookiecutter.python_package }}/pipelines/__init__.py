"""Pipelines of your own, one folder each."""
