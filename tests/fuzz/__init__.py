"""Hostile and broken inputs of every kind, through the real command line: `python -m tests.fuzz [KIND ...]`."""
