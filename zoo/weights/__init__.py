"""Weights: zoo's own files, published files, and conversion from and to other libraries."""

from zoo.weights.files import Weights, load, save
from zoo.weights.fold import fold_batchnorm, reparametrize
from zoo.weights.keras import from_keras, to_keras
from zoo.weights.model_card import CardFacts
from zoo.weights.pretrained import load_pretrained, open_pretrained
from zoo.weights.push import push, write_repository
from zoo.weights.source import WeightsSource
from zoo.weights.torch import from_torch, to_torch

__all__ = [
    "CardFacts",
    "Weights",
    "WeightsSource",
    "fold_batchnorm",
    "from_keras",
    "from_torch",
    "load",
    "load_pretrained",
    "open_pretrained",
    "push",
    "reparametrize",
    "save",
    "to_keras",
    "to_torch",
    "write_repository",
]
