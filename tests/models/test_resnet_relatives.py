"""What relatives of ResNet have for its 3x3 convolution: attention over branches, parts, trees."""

import jax
import numpy as np
import pytest
from plain_layers import random

import zoo
from zoo.layers import ConvBlock
from zoo.models.blocks.branch_attention import BranchAttention
from zoo.models.variables import init_shapes


def drawn_like(shapes):
    return jax.tree.map(lambda leaf: random(*leaf.shape), shapes)


@pytest.mark.parametrize("groups", [1, 2])
def test_attention_over_branches_is_a_softmax_per_channel(groups):
    """Against NumPy, with the gates of a cardinal group beside each other (Zhang et al. 2020, section 3.1)."""
    branches = [random(2, 3, 3, 8, seed=seed) for seed in range(2)]
    attention = BranchAttention(4, ConvBlock, groups=groups, use_bias=True)
    variables = drawn_like(jax.eval_shape(attention.init, jax.random.key(0), branches))
    found = jax.jit(attention.apply)(variables, branches)

    def layer(x, name):
        kernel, bias = (variables["params"][name]["conv"][leaf] for leaf in ("kernel", "bias"))
        inputs, kernels = np.split(x, groups, axis=-1), np.split(kernel[0, 0], groups, axis=-1)
        return np.concatenate([part @ matrix for part, matrix in zip(inputs, kernels, strict=True)], axis=-1) + bias

    gates = layer(np.maximum(layer(sum(branches).mean((1, 2)), "fc1"), 0), "fc2")
    gates = np.concatenate(np.split(gates.reshape(2, groups, 2, -1), groups, axis=1), axis=-1)[:, 0]
    gates = np.exp(gates) / np.exp(gates).sum(1, keepdims=True)
    expected = sum(branch * gates[:, i, None, None] for i, branch in enumerate(branches))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("res2next50", {"scale": 3}, "128 channels .* scale=3"),
        ("dla34", {"widths": (16, 32, 64)}, "two widths more"),
    ],
)
def test_fields_that_do_not_fit_are_one_line(name, fields, words):
    with pytest.raises(zoo.ZooError, match=words):
        init_shapes(zoo.create_model(name, **fields), (64, 64, 3))
