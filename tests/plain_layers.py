"""The definitions of the layers as NumPy loops in float64, and helpers for the tests of layers."""

import itertools

import jax
import numpy as np

IMAGE = (2, 7, 10, 4)  # batch, height, width, channel: all different, so that a confusion of axes fails


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def init(module, x):
    """Random variables of a module, biases too. From NumPy, because compiling JAX's initialization takes a second."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), x)
    leaves, tree = jax.tree.flatten(shapes)
    return tree.unflatten([0.3 * random(*leaf.shape, seed=i).astype(leaf.dtype) for i, leaf in enumerate(leaves)])


def assert_close(ours, reference, rtol=1e-5):
    """Equal shapes, and equal values up to `rtol` of the largest."""
    assert ours.shape == reference.shape
    np.testing.assert_allclose(ours, reference, rtol=0, atol=rtol * np.abs(reference).max())


# The definitions


def as_pair(size):
    return (size, size) if isinstance(size, int) else size


def as_pads(padding, sizes, windows, strides, dilations=(1, 1)):
    """((top, bottom), (left, right)) for any kind of padding."""
    if padding == "VALID":
        return (0, 0), (0, 0)
    if padding == "SAME":  # ceil(n / stride) windows; if the padding is odd, there is one more pixel at the end
        pads = []
        for n, w, s, d in zip(sizes, windows, strides, dilations, strict=True):
            count = int(np.ceil(n / s))
            missing = max(0, (count - 1) * s + (w - 1) * d + 1 - n)
            pads.append((int(np.floor(missing / 2)), int(np.ceil(missing / 2))))
        return tuple(pads)
    return tuple(as_pair(p) for p in as_pair(padding))


def window_starts(n, window, stride, low, high, ceil_mode=False):
    """Where the windows of one axis begin; the image is 0 .. n - 1, its padding -low .. n - 1 + high.

    In ceil mode, one more window where some of the padded image is left over, if it begins before the right padding.
    """
    starts = []
    start = -low
    while start + window <= n + high:
        starts.append(start)
        start += stride
    left_over = n + high - (start - stride + window) if starts else n + high - start
    if ceil_mode and left_over > 0 and start < n:
        starts.append(start)
    return starts


def plain_conv(x, kernel, bias=0.0, *, stride=1, padding=0, dilation=1, groups=1):
    x, kernel = x.astype(np.float64), kernel.astype(np.float64)
    (batch, *sizes, channels), (*windows, _, features) = x.shape, kernel.shape
    strides, dilations = as_pair(stride), as_pair(dilation)
    pads = as_pads(padding, sizes, windows, strides, dilations)
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    spans = [(w - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)]
    rows, columns = (range(0, n - span + 1, s) for n, span, s in zip(padded.shape[1:3], spans, strides, strict=True))
    y = np.zeros((batch, len(rows), len(columns), features))
    ins, outs = channels // groups, features // groups
    for (p, row), (q, column), group in itertools.product(enumerate(rows), enumerate(columns), range(groups)):
        patch = padded[:, row : row + spans[0] : dilations[0], column : column + spans[1] : dilations[1]]
        patch = patch[..., group * ins : (group + 1) * ins]
        for feature in range(group * outs, (group + 1) * outs):
            y[:, p, q, feature] = (patch * kernel[..., feature]).sum(axis=(1, 2, 3))
    return y + bias


def plain_pool(x, window, stride=None, padding=0, *, ceil_mode=False, count=None):
    """The maximum of each window, or with `count` the mean: over the pixels of the image, or with "padding" of both."""
    x = x.astype(np.float64)
    sizes, windows = x.shape[1:3], as_pair(window)
    strides = as_pair(window if stride is None else stride)
    pads = as_pads(padding, sizes, windows, strides)
    starts = [
        window_starts(n, w, s, low, high, ceil_mode)
        for n, w, s, (low, high) in zip(sizes, windows, strides, pads, strict=True)
    ]
    y = np.zeros((x.shape[0], len(starts[0]), len(starts[1]), x.shape[3]))
    for (p, row), (q, column) in itertools.product(enumerate(starts[0]), enumerate(starts[1])):
        patch = x[:, max(row, 0) : row + windows[0], max(column, 0) : column + windows[1]]
        if count is None:
            y[:, p, q] = patch.max(axis=(1, 2))
        else:
            counted = patch.shape[1:3]
            if count == "padding":
                counted = [
                    min(start + w, n + high) - start
                    for start, w, n, (_, high) in zip((row, column), windows, sizes, pads, strict=True)
                ]
            y[:, p, q] = patch.sum(axis=(1, 2)) / np.prod(counted)
    return y


def plain_adaptive_avg_pool(x, height, width):
    y = np.zeros((x.shape[0], height, width, x.shape[3]))
    for p, q in np.ndindex(height, width):
        top, bottom = int(np.floor(p * x.shape[1] / height)), int(np.ceil((p + 1) * x.shape[1] / height))
        left, right = int(np.floor(q * x.shape[2] / width)), int(np.ceil((q + 1) * x.shape[2] / width))
        y[:, p, q] = x[:, top:bottom, left:right].astype(np.float64).mean(axis=(1, 2))
    return y


def plain_local_response_norm(a, n, alpha, beta, k):
    """b_i = a_i / (k + alpha * sum over j from max(0, i - n/2) to min(N - 1, i + n/2) of a_j^2) ** beta."""
    a, b = a.astype(np.float64), np.zeros(a.shape)
    last = a.shape[-1] - 1
    for i in range(last + 1):
        total = sum(a[..., j] ** 2 for j in range(max(0, i - n // 2), min(last, i + n // 2) + 1))
        b[..., i] = a[..., i] / (k + alpha * total) ** beta
    return b
