"""A network's blocks, the diagram of them, its bottlenecks, its paper's figures, and a second network beside it."""
