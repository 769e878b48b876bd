"""The lesson's arithmetic: output shapes, parameters and multiply-adds of convolutions and pools.

Shapes are (height, width, channels). All functions raise WindowTooLarge where the window does not fit, and
ZooError for numbers that are no sizes.
"""

import math

from zoo.errors import ZooError
from zoo.geometry import MAX_SIZE, Padding, Size, output_size, pair
from zoo.printable import quoted
from zoo.runtime.number_range import NumberRange

SIZE = NumberRange(minimum=1, maximum=MAX_SIZE)

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
    input_shape = _image_shape(input_shape)
    SIZE.check(filters, "filters")
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
    input_shape = _image_shape(input_shape)
    _check_filters(input_shape, filters, groups)
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
    input_shape = _image_shape(input_shape)
    _check_filters(input_shape, filters, groups)
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
    input_shape = _image_shape(input_shape)
    stride = window if stride is None else stride
    return (*output_size(input_shape[:2], window, stride=stride, padding=padding, ceil_mode=ceil_mode), input_shape[2])


def _image_shape(shape: Shape) -> Shape:
    """The shape itself. Raises ZooError where it is not (height, width, channels)."""
    numbers = tuple(shape) if isinstance(shape, tuple | list) else ()
    if len(numbers) != 3 or not all(SIZE.has(number) for number in numbers):
        raise ZooError(f"the input shape is {quoted(shape)}: give (height, width, channels), each {SIZE.expected}")
    return numbers


def _check_filters(input_shape: Shape, filters: int, groups: int) -> None:
    SIZE.check(filters, "filters")
    SIZE.check(groups, "groups")
    if input_shape[2] % groups or filters % groups:
        raise ZooError(f"groups is {groups}: it must divide the {input_shape[2]} channels and the {filters} filters")


def _taps(input_shape: Shape, kernel: Size, groups: int) -> int:
    return math.prod(pair(kernel)) * input_shape[2] // groups
