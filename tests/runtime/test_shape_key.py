"""Shapes traced with a key that draws nothing are those of `init` with an ordinary key; only `init` draws."""

from dataclasses import dataclass, field

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.errors import ScopeParamShapeError
from quick import KINDS, computed

import zoo
from zoo.models.variables import init_shapes
from zoo.runtime.shape_key import is_shape_key, shape_key

IMAGE = (8, 8, 3)


def shapes_of_init(model, image_shape):
    return jax.eval_shape(model.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *image_shape), jnp.float32))


@pytest.mark.parametrize("name", computed(zoo.list_models(), KINDS))
def test_shapes_are_those_of_init(name):
    model = zoo.create_model(name)
    assert init_shapes(model) == shapes_of_init(model, model.image_shape)


class Branch(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.Dropout(0.5, deterministic=False)(nn.Dense(4, kernel_init=nn.initializers.orthogonal())(x))


class DrawsItsOwn(nn.Module):
    """Values of several distributions; a random stream for each of three members; a key's data as a parameter."""

    @nn.compact
    def __call__(self, x):
        key = self.make_rng("params")
        first, second, *others = jax.random.split(key, 6)
        self.param("order", lambda key: jax.random.permutation(key, 7))
        self.param("classes", lambda key: jax.random.categorical(key, jnp.zeros(5), shape=(2,)))
        self.param("cut", lambda key: jax.random.truncated_normal(key, -2, 2, (3,), jnp.bfloat16))
        self.param("gamma", lambda key: jax.random.gamma(key, 2.0, (4,)))
        self.param("words", lambda key: jax.random.key_data(key))
        noise = jax.random.normal(first, x.shape) * jax.random.bernoulli(second, 0.5, x.shape)
        x = x + jnp.where(x > 0, noise, jax.random.uniform(others[0], x.shape))
        members = nn.vmap(Branch, in_axes=None, axis_size=3, variable_axes={"params": 0}, split_rngs={"params": True})
        return members()(x)


class DrawsCounts(nn.Module):
    """Poisson's distribution, which JAX draws with threefry keys only."""

    @nn.compact
    def __call__(self, x):
        return x + self.param("counts", lambda key: jax.random.poisson(key, 3.0, x.shape[-1:]))


class MixesKeys(nn.Module):
    """Keys of its own beside the key of the module, in one array and in one loop; a key as a variable."""

    @nn.compact
    def __call__(self, x):
        self.variable("rng", "key", lambda: self.make_rng("params"))
        self.param("either", lambda key: jax.random.normal(jnp.where(True, key, jax.random.key(0)), (3,)))
        branches = (lambda key: key, lambda key: jax.random.key(1))
        self.param("one", lambda key: jax.random.normal(jax.lax.cond(True, *branches, key), (3,)))
        return zoo.layers.Conv(4, 3, kernel_init=zoo.initializers.he_normal)(x)


@pytest.mark.parametrize("model", [DrawsItsOwn(), DrawsCounts(), MixesKeys()], ids=lambda model: type(model).__name__)
def test_networks_that_draw_by_themselves(model):
    assert init_shapes(model, IMAGE) == shapes_of_init(model, IMAGE)


def test_a_default_kind_of_key_with_more_words():
    with jax.default_prng_impl("rbg"):
        assert init_shapes(DrawsItsOwn(), (8, 9, 3)) == shapes_of_init(DrawsItsOwn(), (8, 9, 3))


def test_a_constant_needs_no_key():
    for key in (None, 0, np.zeros(4, np.uint32)):
        np.testing.assert_array_equal(zoo.initializers.Constant(0.5)(key, (2,)), [0.5, 0.5])


def test_an_initializer_of_a_user_s_may_give_another_shape():
    layer = zoo.layers.Dense(4, bias_init=lambda key, shape, dtype: jnp.zeros((), dtype))
    image = np.ones((1, *IMAGE), np.float32)
    variables = layer.init(jax.random.key(0), image)
    assert layer.apply(variables, image).shape == (1, 8, 8, 4)


def test_only_traces_of_shapes_draw_zeros():
    assert jax.eval_shape(lambda key: jnp.zeros(int(is_shape_key(key))), shape_key()).shape == (1,)
    for key in (jax.random.key(0), jax.random.PRNGKey(0), jax.random.key(0, impl="rbg")):
        assert not is_shape_key(key)
        assert np.asarray(zoo.initializers.Normal(1.0)(key, (3,))).all()


@dataclass(frozen=True)
class Counting(zoo.initializers.Drawn):
    """Notes how often values are drawn."""

    drawn: list = field(default_factory=list, hash=False, compare=False)

    def draw(self, key, shape, dtype):
        self.drawn.append(shape)
        return jnp.ones(shape, dtype)


def test_values_are_drawn_by_init_alone():
    initializer = Counting()
    layer = zoo.layers.Conv(2, 3, kernel_init=initializer)
    image = np.ones((1, *IMAGE), np.float32)
    shapes = jax.eval_shape(layer.init, shape_key(), image)
    jax.eval_shape(layer.apply, shapes, image)
    assert not initializer.drawn
    variables = zoo.init(layer, jax.random.key(0), IMAGE)
    assert initializer.drawn == [(3, 3, 3, 2)] and np.asarray(variables["params"]["kernel"]).all()


@pytest.mark.parametrize(
    "layer", [zoo.layers.Conv(2, 3), zoo.layers.Dense(2), zoo.kernels.batch_norm.BatchNorm(use_running_average=True)]
)
def test_a_given_parameter_of_another_shape_is_refused(layer):
    variables = zoo.init(layer, jax.random.key(0), IMAGE)
    variables = jax.tree.map(lambda leaf: np.ones((*leaf.shape, 2), np.float32), variables)
    with pytest.raises(ScopeParamShapeError):
        layer.apply(variables, np.ones((1, *IMAGE), np.float32))
