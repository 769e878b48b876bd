"""Whatever `nn.Module.init` takes can be counted: what a call with the module's own defaults does."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

import zoo
from zoo.count import CountError, summarize


class TrainByDefault(nn.Module):
    """`train` is True unless told otherwise, as in Flax's own ImageNet example: batch norm then updates statistics."""

    @nn.compact
    def __call__(self, x, train: bool = True):
        x = nn.BatchNorm(use_running_average=not train)(nn.Conv(8, (3, 3))(x))
        return nn.Dense(10)(nn.relu(x).mean((1, 2)))


@pytest.mark.parametrize("call", [None, {"train": True}, {"train": False}])
def test_train_by_default(call):
    summary = summarize(TrainByDefault(), (1, 32, 32, 3), call=call)
    assert (summary.parameters, summary.batch_stats) == (3 * 9 * 8 + 8 + 2 * 8 + 8 * 10 + 10, 16)
    assert summary.macs == 32 * 32 * 27 * 8 + 80
    assert sum(row.parameters for row in summary.rows) == summary.parameters
    assert [row.operation for row in summary.rows] == ["conv", "batch_norm", "relu", "mean", "dense"]
    assert summary.rows[1].output_shape == (1, 32, 32, 8)


class Drop(nn.Module):
    """Dropout, by default in training, with noise from an own stream."""

    @nn.compact
    def __call__(self, x, deterministic: bool = False):
        x = nn.Dense(4)(x) + jax.random.normal(self.make_rng("noise"), (4,))
        return nn.Dropout(0.5, deterministic=deterministic, rng_collection="other")(x)


class State(nn.Module):
    """A counter that `init` does not advance, a cache of activations, a key, sown values and perturbations."""

    @nn.compact
    def __call__(self, x):
        counter = self.variable("counter", "n", lambda: jnp.zeros((), jnp.int32))
        cache = self.variable("cache", "seen", lambda: jnp.zeros((4,)))
        self.variable("keys", "key", lambda: self.make_rng("stream"))
        x = self.perturb("x", nn.Dense(4)(x))
        if not self.is_initializing():
            counter.value += 1
            cache.value = 0.9 * cache.value + 0.1 * x.mean(0)
        self.sow("intermediates", "x", x)
        self.sow("losses", "l2", (x**2).sum(), init_fn=lambda: 0.0, reduce_fn=jnp.add)
        return x


class Tree(nn.Module):
    """Submodules from `setup`, a method besides `__call__`, and an output that is not only arrays."""

    def setup(self):
        self.first, self.second = nn.Dense(4), [nn.Dense(4, use_bias=False)]

    def inner(self, x):
        return self.second[0](x)

    def __call__(self, x, *, training: bool = True) -> Any:
        x = self.first(x)
        return {"logits": self.inner(x), "features": (x, None), "name": "net", "training": training}


class Layers(nn.Module):
    """Stacked layers, with dropout and batch statistics, under scan, remat or jit."""

    lift: str

    @nn.compact
    def __call__(self, x):
        if self.lift == "scan":
            axes, split = {"params": 0, "batch_stats": 0}, {"params": True, "dropout": True}
            stack = nn.scan(Layer, variable_axes=axes, split_rngs=split, length=2)
            return stack()(x, None)
        if self.lift == "vmap":
            axes = {"params": 0, "batch_stats": 0}
            stack = nn.vmap(Layer, in_axes=None, variable_axes=axes, split_rngs={"params": True}, axis_size=2)
            return stack()(x, None)
        cls = {"remat": nn.remat, "jit": nn.jit}[self.lift](Layer)
        return cls()(cls()(x, None)[0], None)[0]


class Layer(nn.Module):
    """A dense layer, batch norm and dropout in training."""

    @nn.compact
    def __call__(self, x, _):
        x = nn.BatchNorm(use_running_average=False)(nn.Dense(4, use_bias=False)(x))
        return nn.Dropout(0.5, deterministic=False)(x), x.sum()


class Mapped(nn.Module):
    """A dense layer of the signs of its parameters."""

    @nn.compact
    def __call__(self, x):
        def signs(variables):
            return jax.tree.map(jnp.sign, variables)

        return nn.map_variables(nn.Dense, "params", signs, init=True)(4)(x)


MODULES = {
    "dropout": (Drop(), 20, 32),
    "state": (State(), 20, 32),
    "tree": (Tree(), 36, 64),
    # Four layers, stacked twice.
    "scan in scan": (nn.remat_scan(nn.Dense, lengths=(2, 2))(4), 80, 128),
    # Under init=True, Flax calls the layer a second time where variables may change, to make them.
    "mapped variables": (Mapped(), 20, 32),
    # Each of the two layers: a 4x4 kernel, scale and bias; 16 multiply-adds for each of two examples.
    **{lift: (Layers(lift), 48, 64) for lift in ("scan", "vmap", "remat", "jit")},
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_with_state_and_random_numbers(name):
    module, parameters, macs = MODULES[name]
    variables = jax.eval_shape(module.init, jax.random.key(0), jnp.ones((2, 4)))
    assert zoo.count.parameters(variables["params"]) == parameters
    summary = summarize(module, (2, 4))
    assert (summary.parameters, summary.macs, summary.uncosted, summary.unused) == (parameters, macs, (), ())
    assert sum(row.parameters for row in summary.rows) == parameters


@pytest.mark.parametrize("lift", [nn.jit, nn.remat, lambda cls: nn.jit(nn.jit(cls))])
def test_paths_of_modules_that_are_compiled_once(lift):
    """JAX traces `nn.jit` once for modules that are alike; a row has the path of the module that it belongs to."""

    class Two(nn.Module):
        @nn.compact
        def __call__(self, x):
            cls = lift(Inner)
            return cls(name="c")(cls(name="b")(cls(name="a")(x)))

    class Inner(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.relu(nn.Dense(4, name="dense")(nn.LayerNorm(name="norm")(x)))

    rows = summarize(Two(), (1, 4)).rows
    kinds = ("norm", "layer_norm", 8), ("dense", "dense", 20), ("", "relu", 0)
    expected = [(f"{m}/{inner}".strip("/"), kind, size) for m in "abc" for inner, kind, size in kinds]
    assert [(row.path, row.operation, row.parameters) for row in rows] == expected


def test_recurrent_networks_begin_with_zeros():
    """The first step multiplies constants; its parameters belong to the same layers as those of the others."""
    summary = summarize(nn.RNN(nn.ConvLSTMCell(2, (3, 3))), (1, 3, 8, 8, 1))
    # Inputs with one channel and states with two, each to four gates of two channels, and a bias for the states.
    of_inputs, of_states = (9 * 8 + 8), (9 * 2 * 8 + 8)
    assert summary.macs == 3 * 64 * (9 * 8 + 9 * 2 * 8)
    convs = [(row.path, row.parameters, row.parameters_without_sharing) for row in summary.rows if row.kernel]
    assert convs[:2] == [("cell/ih", of_inputs, 64 * of_inputs), ("cell/hh", of_states, 64 * of_states)]
    assert convs[2:] == 2 * [("cell/ih", 0, 64 * of_inputs), ("cell/hh", 0, 64 * of_states)]


def test_a_sequence_of_no_steps():
    assert summarize(nn.RNN(nn.SimpleCell(4)), (1, 0, 3)).macs == 0


def test_rows_end_with_the_output():
    """The update of the cache, and what is sown, come later and are no layers."""
    rows = summarize(State(), (2, 4)).rows
    assert [(row.operation, row.output_shape) for row in rows] == [("dense", (2, 4))]

    class Either(nn.Module):
        @nn.compact
        def __call__(self, x):
            return jax.lax.cond(x.sum() > 0, lambda: nn.relu(x), lambda: x)

    assert "relu" in [row.operation for row in summarize(Either(), (2, 4)).rows]


def test_parameters_without_sharing_depend_on_no_batch_and_no_mode():
    counted = [
        summarize(TrainByDefault(), (batch, 8, 8, 3), call={"train": train}).parameters_without_sharing
        for batch in (1, 2, 3)
        for train in (True, False)
    ]
    assert set(counted) == {64 * (3 * 9 * 8 + 8 + 2 * 8) + 8 * 10 + 10}


def test_inputs_of_an_integer_type():
    class Tokens(nn.Module):
        @nn.compact
        def __call__(self, x):
            embed = nn.Embed(10, 4)
            return embed.attend(nn.Dense(4)(embed(x)))

    summary = summarize(Tokens(), (2, 7), dtype=jnp.int32)
    assert (summary.parameters, summary.macs) == (40 + 20, 2 * 7 * (16 + 40))
    with pytest.raises(CountError, match="integer") as error:
        summarize(Tokens(), (2, 7))
    assert "images" not in str(error.value)


def test_a_module_that_refuses_a_second_call_with_the_same_input():
    """Attention with a cache: `init` makes it for a whole sequence, later calls are for one token each."""
    attention = nn.MultiHeadDotProductAttention(num_heads=2, decode=True)
    summary = summarize(attention, (1, 8, 16))
    assert summary.is_first_call and "`init`" in summary.to_text()
    assert (summary.parameters, summary.macs) == (4 * (16 * 16 + 16), 4 * 8 * 16 * 16 + 2 * 8 * 8 * 16)
    assert not summarize(TrainByDefault(), (1, 8, 8, 3)).is_first_call


def test_arguments_with_the_names_of_flaxs_own():
    class Named(nn.Module):
        @nn.compact
        def __call__(self, x, mutable, rngs, method="sum"):
            return nn.Dense(2 if mutable and rngs and method == "mean" else 3)(x)

    assert summarize(Named(), (1, 4), call={"mutable": True, "rngs": 1, "method": "mean"}).parameters == 10
