"""The logits of the originals, and our networks with the parameters that they were computed with."""

from pathlib import Path

import jax
import numpy as np
from networks.originals import ORIGINALS, parameter

import zoo
from zoo.models.variables import init_shapes
from zoo.weights import from_keras, from_torch, to_keras, to_torch

FOLDER = Path(__file__).with_name("golden_logits")


def golden_logits(name):
    """[1, classes] of the original for `fill.image` of its input size."""
    return np.load(FOLDER / f"{name}.npz")["logits"]


def filled_variables(name, model=None):
    """Our variables with the values of `parameter`; `to_torch` or `to_keras` gives the keys and shapes."""
    library = ORIGINALS[name][0]
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), init_shapes(model or zoo.create_model(name)))
    keras = library == "keras"
    arrays = to_keras(name, zeros) if keras else to_torch(name, zeros, library)
    filled = {key: parameter(name, key, array.shape) for key, array in arrays.items()}
    return from_keras(name, filled) if keras else from_torch(name, filled, library)
