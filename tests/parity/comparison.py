"""Images, and when two results are the same.

Both sides compute in float32, and differences are relative to the largest value. Only the order of summation differs,
which makes about 2e-6 of a network's logits, 1e-5 with the statistics of a small batch; 1e-4 is allowed.
"""

import numpy as np
import torch


def images(height, width, channels=3, scale=1.0):
    """Two of them, of coarse random colours and some noise; [batch, height, width, channel].

    Of noise alone, all images would look the same to a network that averages its last maps.
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
