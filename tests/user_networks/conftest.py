"""A folder of a user, with networks as other projects write them."""

import sys

import pytest

from zoo import registry

NETS = '''
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

import zoo


class Plain(nn.Module):
    """Fields and arguments of another project; no default for the number of classes."""

    n_classes: int
    width: int = 4
    rate: float = 0.5
    sizes: list[int] = ()
    norm: str = "batch"
    act: object = nn.relu

    @nn.compact
    def __call__(self, x, training):
        x = nn.Conv(self.width, (3, 3), strides=2, name="stem")(x)
        if self.norm == "batch":
            x = nn.BatchNorm(use_running_average=not training, name="bn")(x)
        x = nn.Dropout(self.rate, deterministic=not training)(self.act(x))
        return nn.Dense(self.n_classes, name="head")(x.mean((1, 2)))


class ByDeterministic(nn.Module):
    classes: int = 7

    @nn.compact
    def __call__(self, images, *, deterministic=False):
        x = nn.Dropout(0.5, deterministic=deterministic)(images.mean((1, 2)))
        return nn.Dense(self.classes, name="head")(x)


class WithSetup(nn.Module):
    """The mode is a field."""

    num_outputs: int = 5
    train: bool = False

    def setup(self):
        self.stem = nn.Conv(4, (3, 3), strides=2)
        self.bn = nn.BatchNorm(use_running_average=not self.train)
        self.head = nn.Dense(self.num_outputs)

    def __call__(self, x):
        return self.head(self.bn(self.stem(x)).mean((1, 2)))


class TrainByPosition(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train):
        x = nn.BatchNorm(use_running_average=not train)(x)
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class Returns(nn.Module):
    what: str = "logits"
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        maps = nn.Conv(self.num_classes, (3, 3))(x)
        logits = maps.mean((1, 2))
        exponential = jnp.exp(logits)
        return {
            "logits": logits,
            "softmax": nn.softmax(logits),
            "own softmax": exponential / exponential.sum(-1, keepdims=True),
            "log softmax": nn.log_softmax(logits),
            "sigmoid": nn.sigmoid(logits),
            "tuple": (logits, maps),
            "maps": maps,
            "classes": logits.argmax(-1),
            "dictionary": {"logits": logits},
        }[self.what]


class AlwaysTraining(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes)(nn.BatchNorm(use_running_average=False)(x).mean((1, 2)))


class NeverTold(AlwaysTraining):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes)(nn.BatchNorm(use_running_average=True)(x).mean((1, 2)))


class NeverDropping(AlwaysTraining):
    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes)(nn.Dropout(0.5, deterministic=True)(x).mean((1, 2)))


class AlwaysDropping(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(self.num_classes)(nn.Dropout(0.5, deterministic=False)(x).mean((1, 2)))


class KeepsState(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        self.variable("counts", "calls", jnp.zeros, ())
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class NeedsMask(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, mask):
        return nn.Dense(self.num_classes)((x * mask).mean((1, 2)))


class WithAxis(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        x = nn.BatchNorm(use_running_average=not train, axis_name="batch")(x)
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


Lifted = nn.remat(KeepsState)


class Wide(TrainByPosition):
    image_shape = (16, 48, 1)


class Wrong(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(self.num_classes)(x) @ x


class Block(nn.Module):
    train: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3), name="conv")(x)
        x = nn.BatchNorm(use_running_average=not self.train, name="bn")(x)
        return nn.Dropout(0.5, deterministic=not self.train)(x)


class Forgetful(nn.Module):
    """Its blocks are told of the mode, but for those named in `forgets`."""

    num_classes: int = 3
    forgets: tuple[str, ...] = ()

    @nn.compact
    def __call__(self, x, train=False):
        for name in ("block1", "block2"):
            x = Block(train=train and name not in self.forgets, name=name)(x)
        return nn.Dense(self.num_classes, name="head")(x.mean((1, 2)))


class ByRandomNumbers(nn.Module):
    """Not told of the mode: it finds it by what it is given."""

    num_classes: int = 3

    @nn.compact
    def __call__(self, x):
        x = nn.BatchNorm(use_running_average=not self.is_mutable_collection("batch_stats"))(x)
        x = nn.Dropout(0.5, deterministic=not self.has_rng("dropout"))(x)
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class Embedding(nn.Module):
    """Its field is named as a number of classes may be, and is none."""

    out_dim: int = 64

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(3)(nn.Dense(self.out_dim)(x.mean((1, 2))))


class ModeFirst(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, train, x):
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class IntegerParameter(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x, train=False):
        index = self.param("index", lambda key: jnp.arange(3))
        return nn.Dense(self.num_classes)(x.mean((1, 2))[:, index])


class Large(nn.Module):
    """States the image shape that zoo's networks have where they state none."""

    num_classes: int = 3
    image_shape: tuple[int, int, int] = (224, 224, 3)

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class ChannelsFirst(nn.Module):
    num_classes: int = 3
    image_shape: tuple[int, int, int] = (3, 16, 16)

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class OwnStatistics(nn.Module):
    num_classes: int = 3

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.num_classes)(x.mean((1, 2)) - self.variable("batch_stats", "mean", jnp.zeros, ()).value)


class TwoModes(nn.Module):
    """All fields of zoo's contract, and a second argument for the mode."""

    num_classes: int = 3
    image_shape: tuple[int, int, int] = (8, 8, 3)
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x, train=False, deterministic=True):
        x = nn.BatchNorm(use_running_average=not train)(x)
        x = nn.Dropout(0.5, deterministic=deterministic)(x)
        return nn.Dense(self.num_classes)(x.mean((1, 2)))


class Auxiliary(nn.Module):
    num_classes: int = 3
    outputs_of_aux: int = 3
    in_inference: bool = True

    @nn.compact
    def __call__(self, x, train=False):
        x = x.mean((1, 2))
        if train or self.in_inference:
            self.sow("aux_logits", "aux", nn.Dense(self.outputs_of_aux)(x))
        return nn.Dense(self.num_classes)(x)


def make(classes, depth=1):
    return Plain(n_classes=classes, width=2 * depth)


def needs_depth(classes, depth):
    return Plain(n_classes=classes, width=2 * depth)


def number():
    return 7


small = partial(Plain, width=2)
module = Plain(n_classes=6, width=3)
sequence = nn.Sequential([nn.Conv(4, (3, 3)), nn.relu, lambda x: x.mean((1, 2)), nn.Dense(10)])
shared = nn.Dense(4)
nested = Plain(n_classes=3, act=nn.Sequential([shared, nn.relu, shared]))
table = Plain(n_classes=3, act=jnp.ones(3))
resnet18 = zoo.ModelInfo(name="resnet18", build=Plain)
zoo.register(zoo.ModelInfo(name="registered_net", build=Plain))
zoo.register(zoo.ModelInfo(name="net-v1.5", build=lambda num_classes=2: Returns(num_classes=num_classes)))
'''


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The current folder, with `nets.py` in it, which no other test has imported."""
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    yield tmp_path
    sys.modules.pop("nets", None)
