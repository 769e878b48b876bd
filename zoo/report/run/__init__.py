"""The part of the page about the training run."""
