"""A graph of fewer nodes that computes the same: each file one kind of step."""
