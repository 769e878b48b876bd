"""Layers and receptive fields in words."""

import flax.linen as nn

from zoo.report.html.layer_names import format_field, operation_in_words
from zoo.report.layers.counted_network import count_network


class Oblong(nn.Module):
    """A convolution with a stride of two sizes, and one with a dilation of two sizes."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(2, (5, 3), strides=(2, 1), padding="VALID")(x)
        return nn.Conv(2, (3, 3), kernel_dilation=(1, 2), padding="VALID")(x)


def test_sizes_are_written_with_a_multiplication_sign():
    first, second = (layer.row for layer in count_network("oblong", Oblong(), (20, 20, 1)).layers)
    assert operation_in_words(first) == "conv 5×3, stride 2×1"
    assert operation_in_words(second) == "conv 3×3, dilation 1×2"
    assert (format_field((43, 51)), format_field((43, 43)), format_field((None, 3))) == ("43×51", "43", "all×3")
    assert format_field((43, None), (False, False)) == "≤43×?"
