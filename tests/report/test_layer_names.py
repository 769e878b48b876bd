"""Layers as the page names them."""

import flax.linen as nn

from zoo.report.layers.layer_names import field, operation
from zoo.report.layers.layers import counted


class Oblong(nn.Module):
    """A convolution with a stride of two sizes, and one with such a dilation."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(2, (5, 3), strides=(2, 1), padding="VALID")(x)
        return nn.Conv(2, (3, 3), kernel_dilation=(1, 2), padding="VALID")(x)


def test_sizes_have_the_sign_of_multiplication():
    first, second = (layer.row for layer in counted("oblong", Oblong(), (20, 20, 1)).layers)
    assert operation(first) == "conv 5×3, stride 2×1"
    assert operation(second) == "conv 3×3, dilation 1×2"
    assert (field((43, 51)), field((43, 43)), field((None, 3))) == ("43×51", "43", "all×3")
