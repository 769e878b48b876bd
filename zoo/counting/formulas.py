"""The lesson's arithmetic: output shapes, parameters and multiply-adds of convolutions and pools.

Shapes are (height, width, channels). All functions raise WindowTooLarge where the window does not fit.
"""

import math

from zoo.geometry import Padding, Size, output_size, pair

Shape = tuple[int, int, int]


def conv_output_shape(
    input_shape: Shape,
    *,
    filters: int,
    kernel: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
) -> Shape:
    """The (height, width, filters) of a convolution's output."""
    return (*output_size(input_shape[:2], kernel, stride=stride, padding=padding, dilation=dilation), filters)


def conv_parameters(
    input_shape: Shape,
    *,
    filters: int,
    kernel: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
    shared: bool = True,
    bias: bool = True,
) -> int:
    """Weights and biases of a convolution: filters * (kh * kw * channels / groups + 1).

    With `shared=False` each output position has separate filters, as in a locally connected layer.
    """
    per_position = filters * (_taps(input_shape, kernel, groups) + bias)
    if shared:
        return per_position
    return per_position * math.prod(
        output_size(input_shape[:2], kernel, stride=stride, padding=padding, dilation=dilation)
    )


def conv_macs(
    input_shape: Shape,
    *,
    filters: int,
    kernel: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> int:
    """Multiply-adds of a convolution: out_h * out_w * filters * kh * kw * channels / groups.

    Taps on padding count; biases do not.
    """
    output = conv_output_shape(
        input_shape, filters=filters, kernel=kernel, stride=stride, padding=padding, dilation=dilation
    )
    return math.prod(output) * _taps(input_shape, kernel, groups)


def pool_output_shape(
    input_shape: Shape,
    *,
    window: Size,
    stride: Size | None = None,
    padding: Padding = 0,
    ceil_mode: bool = False,
) -> Shape:
    """The (height, width, channels) of a pool's output. The stride defaults to the window."""
    stride = window if stride is None else stride
    return (*output_size(input_shape[:2], window, stride=stride, padding=padding, ceil_mode=ceil_mode), input_shape[2])


def _taps(input_shape: Shape, kernel: Size, groups: int) -> int:
    return math.prod(pair(kernel)) * input_shape[2] // groups
