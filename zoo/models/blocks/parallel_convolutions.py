"""The block of RepVGG and MobileOne: parallel convolutions in training, which are one convolution in inference."""

from collections.abc import Mapping
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from zoo.layers import Activation, ModuleFactory

# (kernel, bias) of a branch whose batch norm is folded; the kernel of the identity is the scale of each channel.
Branch = tuple[np.ndarray, np.ndarray]


class ParallelConvolutions(nn.Module):
    """act(sum of the branches): [b, h, w, c] to [b, h', w', features]; each branch has its own norm.

    Ding et al. 2021, arXiv:2101.03697, Figure 2; Vasu et al. 2022, arXiv:2206.04040, Figure 3. The branches are the
    convolutions `conv1` to `conv{count}`, one more `conv_1x1` if those are larger, and `identity`, the norm of the
    input, if neither stride nor channels change its shape. Without `norm` (the folded network) there is one, `conv`.
    `squeeze_excite` makes a gate `se` before the activation.
    """

    features: int
    kernel_size: int
    stride: int
    conv: ModuleFactory
    norm: ModuleFactory | None
    act: Activation
    dtype: jnp.dtype
    groups: int = 1
    count: int = 1
    squeeze_excite: ModuleFactory | None = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        conv = partial(self.conv, self.features, stride=self.stride, groups=self.groups, act=None)
        largest = partial(conv, kernel_size=self.kernel_size, padding=self.kernel_size // 2)
        if self.norm is None:
            y = largest(name="conv")(x)
        else:
            y = sum(largest(name=f"conv{i}")(x, train) for i in range(1, self.count + 1))
            if self.kernel_size > 1:
                y += conv(kernel_size=1, name="conv_1x1")(x, train)
            if self.stride == 1 and x.shape[-1] == self.features:
                y += self.norm(train=train, dtype=self.dtype, name="identity")(x)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(dtype=self.dtype, name="se")(y)
        return self.act(y)

    @staticmethod
    def join_branches(branches: Mapping[str, Branch]) -> Branch:
        """The kernel and the bias of the one convolution, from those of all branches by name.

        `zoo.weights.fold` calls it.
        """
        joined = np.zeros_like(branches["conv1"][0])
        height, width, inputs, features = joined.shape
        middle = joined[height // 2, width // 2]
        for kernel, _ in branches.values():
            if kernel.ndim == 1:
                # Output i sees the input i, which is number i % inputs of its group.
                middle[np.arange(features) % inputs, np.arange(features)] += kernel
            elif kernel.shape == joined.shape:
                joined += kernel
            else:
                middle += kernel[0, 0]
        return joined, np.sum([bias for _, bias in branches.values()], axis=0)
