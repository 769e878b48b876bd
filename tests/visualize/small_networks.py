"""Networks small enough to compile quickly and to write out in NumPy, and images for them."""

from functools import partial

import flax.linen as nn
import jax
import numpy as np
from plain_layers import init

import zoo
from zoo.layers import ConvBlock, batch_norm, global_avg_pool, max_pool
from zoo.models.network import FoldableNetwork

IMAGE = (19, 22, 3)  # height, width, channels
# A row per convolution: features, kernel, stride, padding, and the window and stride of the pool that follows it.
CONVOLUTIONS = ((6, 5, 1, 2, (3, 2)), (8, 3, 1, 1, (2, 2)), (7, 3, 1, 0, None))


class Small(FoldableNetwork):
    """Convolutions with an overlapping and another pool, the mean of the last maps, and a dense layer."""

    pools: bool = True
    norm: bool = False
    num_classes: int = 5
    image_shape: tuple[int, int, int] = IMAGE

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(batch_norm if self.norm else None, train=train)
        for i, (features, kernel, stride, padding, pool) in enumerate(CONVOLUTIONS, start=1):
            x = ConvBlock(features, kernel, stride, padding, norm=norm, act=self.act, name=f"conv{i}")(x, train)
            if self.pools and pool:
                x = max_pool(x, *pool)
        return self.classify(global_avg_pool(x), "fc")


def images(count, seed=0, shape=IMAGE):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(np.float32)


def variables_of(model, shape=IMAGE):
    """Random, with random biases, and variances that are positive."""
    variables = init(model, np.zeros((1, *shape), np.float32))
    return jax.tree.map_with_path(lambda path, leaf: abs(leaf) + 0.5 if path[-1].key == "var" else leaf, variables)


@partial(jax.jit, static_argnums=0)
def logits_of(model, variables, x):
    """The logits, by one program: layer by layer takes longer to compile."""
    return model.apply(variables, x)


@partial(jax.jit, static_argnums=(0, 3))
def maps_of(model, variables, x, layer):
    """The output of a layer, by one program."""
    return zoo.features(model, variables, x, [layer])[layer]
