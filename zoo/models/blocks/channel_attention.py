"""Channel attention of ECA-Net."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import LayerInitializer, torch_default
from zoo.kernels.broadcast import multiply_broadcast
from zoo.layers import Conv, global_avg_pool


class EfficientChannelAttention(nn.Module):
    """Multiplies each channel by a gate, computed from the means of the channels beside it: [b, h, w, c] to the same.

    Wang et al., arXiv:1910.03151, section 3.2. One convolution over the channels, whose window grows with the logarithm
    of their number. Child: `conv`.
    """

    kernel_init: LayerInitializer = torch_default  # as timm, which initialises no convolution over one row
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        window = attention_window(x.shape[-1])
        means = global_avg_pool(x)[:, None, :, None]
        conv = Conv(
            1,
            (1, window),
            padding=(0, window // 2),
            use_bias=False,
            kernel_init=self.kernel_init,
            dtype=self.dtype,
            name="conv",
        )
        return multiply_broadcast(x, nn.sigmoid(conv(means))[:, :, None, :, 0])


def attention_window(channels: int) -> int:
    """The odd number that log2(channels) / 2 + 1 / 2 is rounded up to, at least 3 (equation 12 of the paper)."""
    size = int((math.log2(channels) + 1) / 2)
    return max(size if size % 2 else size + 1, 3)
