"""Sizes of sliding windows: explicit padding, and the output size of a convolution or a pool.

A size is one int for both axes, or a (height, width) pair. Padding is an int, a (height, width) pair of ints,
((top, bottom), (left, right)), "SAME" or "VALID". "SAME" is TensorFlow's, which differs from the symmetric padding of
Caffe and torch whenever the stride is not 1.
"""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from zoo.errors import ZooError
from zoo.printable import quoted

Pair = tuple[int, int]
Size = int | Pair
Pads = tuple[Pair, Pair]
Padding = str | int | Pair | Pads

# What an axis of an array has at most on any device.
MAX_SIZE = 2**31 - 1


class WindowTooLarge(ZooError):
    """The window of a convolution or a pool is larger than its padded input."""


def pair(size: int | Sequence[int], what: str = "size", *, least: int = 0) -> Pair:
    """(height, width) of a size: one int for both, or one each. Raises ZooError, which names `what`, for all else.

    `least` is the smallest number.
    """
    both = _both(size)
    if is_symbolic(*both):
        return both[0], both[1]
    if len(both) != 2 or not all(_is_int(number) and least <= number <= MAX_SIZE for number in both):
        raise ZooError(f"the {what} is {quoted(size)}: give an int or a pair (height, width), {least} to {MAX_SIZE}")
    return int(both[0]), int(both[1])


def is_symbolic(*sizes: Any) -> bool:
    """Whether a size stands for many numbers: that of an array in `jax.export`, whose shape has variables.

    Its class is private, and this is the one place that knows its name. Without it sizes would all be numbers.
    """
    return any(type(size).__name__ == "_DimExpr" for size in sizes)


def _both(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _is_int(number: Any) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool)


def _is_size(number: Any) -> bool:
    return _is_int(number) and 0 <= number <= MAX_SIZE


def explicit_padding(
    size: Pair,
    window: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Pads:
    """Padding as ((top, bottom), (left, right)) for an input of `size` (height, width).

    `ceil_mode` rounds the output size up, as Caffe and torch do: it adds padding at the end, provided that the last
    window starts inside the image or its left padding. Raises WindowTooLarge where not one window fits, and ZooError
    for a window, a stride or a dilation below 1 and for an unknown or negative padding.
    """
    window, stride, dilation = (
        pair(given, what, least=1) for given, what in ((window, "window"), (stride, "stride"), (dilation, "dilation"))
    )
    size = pair(size, "size of the image")
    requested = padding_pairs(size, window=window, stride=stride, padding=padding, dilation=dilation)
    pads = []
    for n, w, s, d, (low, high) in zip(size, window, stride, dilation, requested, strict=True):
        span = (w - 1) * d + 1
        slack = n + low + high - span
        if slack < 0 and (not ceil_mode or slack <= -s):
            raise WindowTooLarge(
                f"a {window[0]}x{window[1]} window does not fit in a {size[0]}x{size[1]} feature map: "
                "the image is too small for this network, use a larger one"
            )
        if ceil_mode:
            last = -(-slack // s)
            if last * s >= n + low:
                last -= 1
            high += max(0, last * s - slack)
        pads.append((low, high))
    return pads[0], pads[1]


def padding_pairs(
    size: Pair, *, window: Pair, stride: Pair, padding: Padding, dilation: Pair
) -> Sequence[tuple[int, int]]:
    """((top, bottom), (left, right)) as requested by `padding`, without what `ceil_mode` adds."""
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":
        span = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
        total = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(size, span, stride, strict=True)]
        return [(t // 2, t - t // 2) for t in total]
    pads = [_both(axis) for axis in _both(padding)]
    if [len(axis) for axis in pads] != [2, 2] or not all(_is_size(n) for axis in pads for n in axis):
        raise ZooError(
            f"unknown padding {quoted(padding)}: give an int, pairs of ints, 'SAME' or 'VALID'; none is negative"
        )
    return [(int(low), int(high)) for low, high in pads]


def output_size(
    size: Pair,
    window: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Pair:
    """(height, width) of a convolution's or a pool's output: floor((n - window + padding) / stride) + 1 on each axis.

    Raises as `explicit_padding` does.
    """
    pads = explicit_padding(size, window, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    height, width = (
        (n + low + high - (w - 1) * d - 1) // s + 1
        for n, w, s, d, (low, high) in zip(size, pair(window), pair(stride), pair(dilation), pads, strict=True)
    )
    return height, width
