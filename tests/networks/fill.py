"""Parameters as a fixed function of their original name and index, the same with torch, with Keras and without both."""

import zlib

import numpy as np

# Values computed at a time: few enough to stay in a core's cache, which is ten times as fast.
BLOCK = 1 << 15


def fill(name: str, shape: tuple[int, ...], *, outputs_first: bool = True) -> np.ndarray:
    """float32 values of `shape` for the array that has this name in the original library.

    The name is a key of torch's state dict or a Keras path. Kernels are scaled by their fan-in, so that activations
    neither vanish nor overflow (`outputs_first`: torch's [out, in, h, w], else Keras's [h, w, in, out]). Scales and
    variances are near one, all other values near zero.
    """
    last = name.replace("/", ".").split(".")[-1]
    if last in ("running_var", "moving_variance", "var"):
        centre, scale = 1.0, 0.3
    elif len(shape) >= 2 and max(shape) > 1 and last not in ("layer_scale", "gamma"):
        fan_in = np.prod(shape[1:]) if outputs_first else np.prod(shape[:-1])
        centre, scale = 0.0, np.sqrt(6 / fan_in)
    elif last in ("weight", "gamma", "layer_scale", "scale", "coefficient"):
        centre, scale = 1.0, 0.3
    else:
        centre, scale = 0.0, 0.1
    return noise(name, shape, centre, scale)


def image(height: int, width: int, channels: int = 3, batch: int = 1) -> np.ndarray:
    """[batch, height, width, channels] float32 in -1..1."""
    return noise("image", (batch, height, width, channels))


def noise(name: str, shape: tuple[int, ...], centre: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """float32 values in centre - scale..centre + scale: splitmix64 of the CRC of the name and the index."""
    values = np.empty(int(np.prod(shape)), np.float32)
    first = np.uint64(zlib.crc32(name.encode())) << np.uint64(32)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        block[:] = centre + uniform(first, start, block.size) * scale
    return values.reshape(shape)


def uniform(first: np.uint64, start: int, count: int) -> np.ndarray:
    """`count` float64 values in -1..1."""
    with np.errstate(over="ignore"):
        x = np.arange(start, start + count, dtype=np.uint64) + first
        x *= np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1
