"""XLA's convolution: the form that is the default, and a part of others."""

import jax
from jax import lax

from zoo.geometry import Pads, Pair


def xla_conv(
    x: jax.Array, kernel: jax.Array, *, stride: Pair, pads: Pads, dilation: Pair = (1, 1), groups: int = 1
) -> jax.Array:
    """`lax.conv_general_dilated` of x [b, h, w, c] with kernel [kh, kw, c / groups, features]."""
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=stride,
        padding=pads,
        rhs_dilation=dilation,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
