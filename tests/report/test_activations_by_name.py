"""Activations have the names of their layers."""

import jax
import numpy as np
import pytest
from quick import shapes_of

import zoo
from zoo.report.learned.activations_by_name import apply_with_activations

# Of each network the first names, the last names, and the number of activations.
EXPECTED = {
    "lenet5": (["c1", "c3", "c5", "f6"], ["c1", "c3", "c5", "f6"], 4),
    "alexnet": (["conv1", "conv2"], ["conv5", "fc6", "fc7"], 7),
    "googlenet": (["conv1/7x7_s2", "conv2/3x3_reduce"], ["inception_5b/5x5", "inception_5b/pool_proj"], 57),
    "resnet18": (["conv1", "conv2_1/conv1", "conv2_1"], ["conv5_2/conv1", "conv5_2"], 17),
    "densenet121": (["conv1", "dense_block1/layer1/bn1"], ["dense_block4/layer16/bn2", "bn"], 121),
    "lenet5_1998": ([], [], 0),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_names(name):
    first, last, count = EXPECTED[name]
    model = zoo.create_model(name)
    image = jax.ShapeDtypeStruct((1, *model.image_shape), np.float32)
    names = list(jax.eval_shape(lambda v, x: apply_with_activations(model, v, x).activations, shapes_of(name), image))
    assert (names[: len(first)], names[len(names) - len(last) :], len(names)) == (first, last, count)
