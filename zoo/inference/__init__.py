"""Inference with a trained network: features, predictions and evaluation."""
