"""Golden logits: the outputs of the originals for parameters that are a function of their names. Needs no torch."""

from pathlib import Path

import jax
import numpy as np
import pytest
from networks.fill import image
from networks.originals import ORIGINALS, parameter
from quick import QUICK_TO_COMPUTE, computed

import zoo
from zoo.models.variables import init_shapes
from zoo.runtime.jit_once import jit_once
from zoo.weights import from_keras, from_torch, to_keras, to_torch

FOLDER = Path(__file__).with_name("golden_logits")


def filled_variables(name, model, library):
    """Our variables with the values of `parameter`; `to_torch` or `to_keras` gives the keys and shapes."""
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), init_shapes(model))
    keras = library == "keras"
    arrays = to_keras(name, zeros) if keras else to_torch(name, zeros, library)
    filled = {key: parameter(name, key, array.shape) for key, array in arrays.items()}
    return from_keras(name, filled) if keras else from_torch(name, filled, library)


@pytest.mark.parametrize("name", computed(list(ORIGINALS), QUICK_TO_COMPUTE))
def test_logits_equal_those_of_the_original(name):
    golden = np.load(FOLDER / f"{name}.npz")["logits"]
    info, model = zoo.model_info(name), zoo.create_model(name)
    variables = filled_variables(name, model, ORIGINALS[name][0])
    logits = jit_once(model.apply)(variables, image(info.input_size, info.input_size, info.channels))
    error = np.abs(np.asarray(logits) - golden).max() / np.abs(golden).max()
    assert error < 1e-4


@pytest.mark.parametrize("name", ORIGINALS)
def test_every_original_has_a_golden_file(name):
    assert (FOLDER / f"{name}.npz").exists()
