"""The run folder, its checkpoints, and the weights in them."""
