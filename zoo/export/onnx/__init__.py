"""From a JAX function to an ONNX model: `convert.onnx_model`."""
