"""XLA's convolution of images [b, h, w, c], as other forms have it inside."""

import jax
from jax import lax

from zoo.geometry import Pads, Pair


def xla_conv(
    x: jax.Array, kernel: jax.Array, *, stride: Pair, pads: Pads, dilation: Pair = (1, 1), groups: int = 1
) -> jax.Array:
    """XLA's own convolution."""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=pads,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
