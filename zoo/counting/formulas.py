"""The lesson's arithmetic: what a convolution or a pool does to a shape, and what it costs. Shapes are (h, w, c)."""

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
    """(height, width, filters) that a convolution makes of (height, width, channels)."""
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

    With `shared=False` each output position has filters of its own, as if the layer were locally connected.
    """
    one_position = filters * (_taps(input_shape, kernel, groups) + bias)
    if shared:
        return one_position
    return one_position * math.prod(
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

    Taps that fall on padding count; biases do not.
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
    """(height, width, channels) that a pool makes of (height, width, channels). The stride defaults to the window."""
    stride = window if stride is None else stride
    return (*output_size(input_shape[:2], window, stride=stride, padding=padding, ceil_mode=ceil_mode), input_shape[2])


def _taps(input_shape: Shape, kernel: Size, groups: int) -> int:
    return math.prod(pair(kernel)) * input_shape[2] // groups
