"""Small networks of a user's, for exports."""

import flax.linen as nn
import jax

import zoo


class Net(nn.Module):
    """Batch norm and dropout follow `train`."""

    classes: int = 5
    dtype: object = None

    @nn.compact
    def __call__(self, x, train=True):
        x = nn.Conv(8, (3, 3), dtype=self.dtype, name="conv")(x)
        x = nn.BatchNorm(use_running_average=not train, dtype=self.dtype, name="norm")(x)
        x = nn.Dropout(0.5, deterministic=not train)(nn.relu(x))
        return nn.Dense(self.classes, name="head")(x.mean(axis=(1, 2)))


class TwoOutputs(nn.Module):
    """As a detector has."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), name="conv")(x)
        return {"boxes": x.mean(axis=(1, 2)), "map": x}


class Probabilities(nn.Module):
    """Its softmax is inside."""

    @nn.compact
    def __call__(self, x):
        return nn.softmax(nn.Dense(3, name="dense")(x.mean(axis=(1, 2))))


class AlwaysTraining(nn.Module):
    """Nothing says that it is not trained."""

    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=False, name="norm")(x).mean(axis=(1, 2))


class Flat(nn.Module):
    """Its dense layer takes the pixels of one image size."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(3, name="dense")(x.reshape(x.shape[0], -1))


def variables_of(model, image_shape=(8, 8, 3)):
    """Initial variables, as zoo makes them."""
    from zoo.models.user_module.adapted_class import adapted_module

    return zoo.init(adapted_module(model), jax.random.key(0), image_shape)
