"""Weights from and to other libraries."""

from zoo.weights.torch import from_torch, to_torch

__all__ = ["from_torch", "to_torch"]
