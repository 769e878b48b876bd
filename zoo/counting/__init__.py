"""How `zoo.count` counts: tracing, costs, receptive fields, rendering, published tables."""
