"""Channel attention of ECA-Net and VoVNet."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import LayerInitializer, torch_default, torch_default_bias
from zoo.kernels.broadcast import multiply_broadcast
from zoo.kernels.dilation import dilated
from zoo.layers import Activation, Conv, global_avg_pool


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
        with dilated(None):  # this convolution looks at channels, not at positions
            gate = nn.sigmoid(conv(means))
        return multiply_broadcast(x, gate[:, :, None, :, 0])


def attention_window(channels: int) -> int:
    """The odd number that log2(channels) / 2 + 1 / 2 is rounded up to, at least 3 (equation 12 of the paper)."""
    size = int((math.log2(channels) + 1) / 2)
    return max(size if size % 2 else size + 1, 3)


class EffectiveSqueezeExcite(nn.Module):
    """Multiplies each channel by a gate, computed from the means of all channels by one 1x1 convolution.

    Lee and Park 2019, arXiv:1911.06667, section 3.3: squeeze-and-excitation with as many squeezed channels as there
    are. The gate of the paper is `nn.hard_sigmoid`. Child: `fc`.
    """

    gate: Activation = nn.sigmoid
    kernel_init: LayerInitializer = torch_default
    bias_init: LayerInitializer = torch_default_bias
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        means = global_avg_pool(x)[:, None, None, :]
        fc = Conv(x.shape[-1], 1, kernel_init=self.kernel_init, bias_init=self.bias_init, dtype=self.dtype, name="fc")
        return multiply_broadcast(x, self.gate(fc(means)))
