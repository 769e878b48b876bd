"""Weights from and to other libraries."""

from zoo.weights.files import Weights, load, save
from zoo.weights.keras import from_keras, to_keras
from zoo.weights.torch import from_torch, to_torch

__all__ = ["Weights", "from_keras", "from_torch", "load", "save", "to_keras", "to_torch"]
