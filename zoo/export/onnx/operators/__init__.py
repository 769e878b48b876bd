"""The primitives of JAX as nodes of ONNX, by what they do. Each function takes the graph, a step and its operands."""
