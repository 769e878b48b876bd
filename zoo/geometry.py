"""Where windows lie: padding, and the size of what a convolution or a pool makes.

Sizes are one int for both axes or a (height, width) pair. Padding is an int, a (height, width) pair of ints,
((top, bottom), (left, right)), "SAME" or "VALID"; "SAME" is TensorFlow's, which differs from the symmetric padding of
Caffe and torch whenever the stride is not 1.
"""

from collections.abc import Sequence

from zoo.errors import ZooError

Size = int | tuple[int, int]
Padding = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Pads = tuple[tuple[int, int], tuple[int, int]]


class WindowTooLarge(ZooError):
    """A convolution's or a pool's window does not fit in what it is applied to."""


def pair(size: int | Sequence[int]) -> tuple[int, int]:
    """One size for both axes, or one each, as (height, width)."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def explicit_padding(
    size: tuple[int, int],
    window: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Pads:
    """Padding as ((top, bottom), (left, right)) for an input of `size` (height, width).

    `ceil_mode` adds what lets the last window start inside the image or its left padding: Caffe's and torch's rule.
    Raises WindowTooLarge where not one window fits.
    """
    window, stride, dilation = pair(window), pair(stride), pair(dilation)
    given = padding_pairs(size, window, stride, padding, dilation)
    pads = []
    for n, w, s, d, (low, high) in zip(size, window, stride, dilation, given, strict=True):
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
    size: tuple[int, int],
    window: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding,
    dilation: tuple[int, int],
) -> Sequence[tuple[int, int]]:
    """((top, bottom), (left, right)) as asked for, before what `ceil_mode` adds."""
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":
        span = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
        total = [max((-(-n // s) - 1) * s + w - n, 0) for n, w, s in zip(size, span, stride, strict=True)]
        return [(t // 2, t - t // 2) for t in total]
    if isinstance(padding, str):
        raise ZooError(f"unknown padding {padding!r}: an int, pairs, 'SAME' or 'VALID'")
    if isinstance(padding, int):
        return (padding, padding), (padding, padding)
    return [(p, p) if isinstance(p, int) else (p[0], p[1]) for p in padding]


def output_size(
    size: tuple[int, int],
    window: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> tuple[int, int]:
    """(height, width) after a convolution or a pool: floor((n - window + padding) / stride) + 1 on each axis."""
    pads = explicit_padding(size, window, stride, padding, dilation, ceil_mode)
    height, width = (
        (n + low + high - (w - 1) * d - 1) // s + 1
        for n, w, s, d, (low, high) in zip(size, pair(window), pair(stride), pair(dilation), pads, strict=True)
    )
    return height, width
