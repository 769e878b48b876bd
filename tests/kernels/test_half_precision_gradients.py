"""Gradients of layers in half precision, against those of the same values in float32."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_layers import random

from zoo.kernels.dense import Dense
from zoo.layers import Conv, SqueezeExcite
from zoo.models.convnext import ConvNeXtBlock
from zoo.models.lenet import Subsampling

LAYERS = {
    "dense": Conv(4, 3, padding=1),
    "pointwise": Conv(4, 1),
    "depthwise": Conv(8, 3, padding=1, groups=8),
    "linear": Dense(4),
    "squeeze_excite": SqueezeExcite(4),
    "block of ConvNeXt": ConvNeXtBlock(0.0, nn.gelu, jnp.float32),
    "subsampling": Subsampling(),
}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, pytest.param(jnp.float16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_summed_in_float32(name, dtype):
    """Of 9,216 values with a mean: 8 or 11 bits do not hold their sum so far, from some hundreds on."""
    layer, x = LAYERS[name], jnp.asarray(random(4, 48, 48, 8) + 0.5, dtype)
    shapes = jax.eval_shape(layer.init, jax.random.key(0), x)
    variables = jax.tree.map(lambda leaf: jnp.asarray(0.3 * random(*leaf.shape), dtype).astype(jnp.float32), shapes)
    along = jnp.asarray(random(*jax.eval_shape(layer.apply, variables, x).shape, seed=1) + 0.5, dtype)

    def loss(variables, layer, x):
        return (layer.apply(variables, x) * along).astype(jnp.float32).sum()

    gradient = jax.jit(jax.grad(loss), static_argnums=1)
    found = gradient(variables, layer.clone(dtype=dtype), x)
    expected = gradient(variables, layer, x.astype(jnp.float32))
    for (path, ours), right in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        error = np.linalg.norm(ours - right) / np.linalg.norm(right)
        assert error < 4 * jnp.finfo(dtype).eps, (jax.tree_util.keystr(path), error)
