"""What a run keeps: its folder, its checkpoints, and the weights in them."""
