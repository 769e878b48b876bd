"""Images for the comparisons, and the tolerance for equal results.

Both libraries compute in float32, and differences are relative to the largest value. Only the order of summation
differs: the difference is about 2e-6 for logits, 1e-5 with the statistics of a small batch. The tolerance is 1e-4.
"""

import numpy as np
import torch


def images(height, width, channels=3, scale=1.0):
    """[2, height, width, channels] float32: images of coarse random colours with some noise.

    With noise only, the logits of all images would be nearly equal, because networks average their last maps.
    """
    generator = np.random.default_rng(1)
    coarse = (
        generator.normal(size=(2, height // 16 + 1, width // 16 + 1, channels)).repeat(16, axis=1).repeat(16, axis=2)
    )
    noise = generator.normal(size=(2, height, width, channels))
    return (scale * (coarse[:, :height, :width] + 0.3 * noise)).astype(np.float32)


def to_torch(x):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, 3, 1)))


def from_torch(x):
    x = x.detach().numpy()
    return np.moveaxis(x, 1, 3) if x.ndim == 4 else x


def assert_same(ours, theirs, tolerance=1e-4):
    theirs = from_torch(theirs)
    assert ours.shape == theirs.shape
    difference = np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()
    print(f"largest difference {difference:.1e}")
    assert difference < tolerance
