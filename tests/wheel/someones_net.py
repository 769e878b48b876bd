"""A network that was written for another project: `training` is an argument, the classes are `n_classes`."""

import flax.linen as nn


class Block(nn.Module):
    """Two convolutions with a shortcut."""

    features: int
    stride: int = 1

    @nn.compact
    def __call__(self, x, training):
        y = nn.Conv(self.features, (3, 3), (self.stride, self.stride), use_bias=False, name="conv1")(x)
        y = nn.relu(nn.BatchNorm(use_running_average=not training, name="bn1")(y))
        y = nn.Conv(self.features, (3, 3), use_bias=False, name="conv2")(y)
        y = nn.BatchNorm(use_running_average=not training, name="bn2")(y)
        return nn.relu(y + nn.Conv(self.features, (1, 1), (self.stride, self.stride), name="shortcut")(x))


class Net(nn.Module):
    """Three blocks, dropout and a classifier."""

    n_classes: int
    width: int = 16

    @nn.compact
    def __call__(self, x, training=False):
        for number in range(3):
            x = Block(self.width * 2**number, stride=2, name=f"block{number}")(x, training)
        x = nn.Dropout(0.1, deterministic=not training)(x.mean((1, 2)))
        return nn.Dense(self.n_classes, name="head")(x)
