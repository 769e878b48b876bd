"""Batch norm folded into convolutions: the same logits from a network without it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from quick import computed, drawn, smallest_of

import zoo
from zoo.runtime.jit_once import jit_once
from zoo.weights import fold_batchnorm

# Where the norm comes before its convolution.
PRE_ACTIVATION = [*zoo.list_models("densenet*"), *zoo.list_models("resnet*v2")]
WITHOUT_NORM = [
    *("alexnet", "alexnet_2012", "zfnet", "nin", "nin_cifar10", "googlenet"),
    *(name for family in ("lenet*", "vgg??", "squeezenet*", "convnext*") for name in zoo.list_models(family)),
]
FOLDED = [name for name in zoo.list_models() if name not in (*PRE_ACTIVATION, *WITHOUT_NORM)]


def damped(variables):
    """A quarter of the scales that end the branches of residual blocks.

    Else each block doubles the variance, gates saturate, and in the deepest networks rounding decides the logits.
    """

    def damp(path, leaf):
        block, leaf_name = path[-3].key if len(path) > 2 else "", path[-1].key
        return leaf / 4 if block in ("project", "fused", "conv3") and leaf_name == "scale" else leaf

    return {**variables, "params": jax.tree.map_with_path(damp, variables["params"])}


# One of each kind: a plain one, residual, inverted residual, branches, and a block of another class.
FOLDED_QUICKLY = {"resnet18", "mobilenet_v2", "googlenet_tv", "xception"}


@pytest.mark.parametrize("name", computed(FOLDED, FOLDED_QUICKLY))
def test_logits_are_equal_without_batch_norm(name):
    model = zoo.create_model(name)
    size = min(max(smallest_of(name), 64), zoo.model_info(name).input_size)
    x = jax.random.normal(jax.random.key(0), (2, size, size, 3))
    variables = damped(drawn(model, x.shape[1:]))
    folded = fold_batchnorm(name, variables)
    assert set(folded) == {"params"} and not any("bn" in str(path) for path, _ in jax.tree.leaves_with_path(folded))
    forward = jit_once(model.apply)
    before, after = forward(variables, x), forward(folded, x)
    assert jnp.abs(before - after).max() < 1e-4 * jnp.abs(before).max()


def test_a_bias_before_the_norm_is_kept():
    """ResNet as Keras has it: convolution with bias, then the norm; against the formula in NumPy."""
    name = "resnet50_keras"
    variables = drawn(zoo.create_model(name), (32, 32, 3))
    block = fold_batchnorm(name, variables)["params"]["conv1"]["conv"]
    conv, bn = (variables["params"]["conv1"][part] for part in ("conv", "bn"))
    stats = variables["batch_stats"]["conv1"]["bn"]
    s = bn["scale"] / np.sqrt(stats["var"] + 1.001e-5)
    np.testing.assert_allclose(block["kernel"], conv["kernel"] * s, rtol=1e-6)
    np.testing.assert_allclose(block["bias"], (conv["bias"] - stats["mean"]) * s + bn["bias"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["densenet121", "resnet50v2"])
def test_a_norm_before_its_convolution_is_refused(name):
    with pytest.raises(zoo.ZooError, match=f"{name} cannot be folded: its norm .* follows no convolution"):
        fold_batchnorm(name, drawn(zoo.create_model(name), zoo.create_model(name).image_shape))


def test_no_norm_and_training_are_one_line():
    for name in WITHOUT_NORM:
        with pytest.raises(zoo.ZooError, match=f"{name} has no batch norm to fold"):
            fold_batchnorm(name, {})
    model = zoo.create_model("resnet18", num_classes=3)
    folded = fold_batchnorm("resnet18", drawn(model, (32, 32, 3)))
    with pytest.raises(zoo.ZooError, match="batch norm"):
        model.apply(folded, jnp.zeros((1, 32, 32, 3)), train=True)
