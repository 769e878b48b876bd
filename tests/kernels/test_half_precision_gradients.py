"""Gradients of layers in half precision, against those of the same values in float32."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_layers import random
from quick import computed

import zoo
from zoo.kernels.dense import Dense
from zoo.layers import Conv, SqueezeExcite
from zoo.models.convnext import ConvNeXtBlock
from zoo.models.lenet import Subsampling
from zoo.models.variables import init_shapes

LAYERS = {
    "dense": Conv(4, 3, padding=1),
    "pointwise": Conv(4, 1),
    "depthwise": Conv(8, 3, padding=1, groups=8),
    "linear": Dense(4),
    "squeeze_excite": SqueezeExcite(4),
    "block of ConvNeXt": ConvNeXtBlock(0.0, nn.gelu, jnp.float32),
    "subsampling": Subsampling(),
}


@pytest.mark.parametrize("dtype", [jnp.bfloat16, pytest.param(jnp.float16, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_summed_in_float32(name, dtype):
    """Of 9,216 values with a mean: 8 or 11 bits do not hold their sum so far, from some hundreds on."""
    layer, x = LAYERS[name], (random(4, 48, 48, 8) + 0.5).astype(dtype)
    shapes = jax.eval_shape(layer.init, jax.random.key(0), x)
    variables = jax.tree.map(lambda leaf: (0.3 * random(*leaf.shape)).astype(dtype).astype(np.float32), shapes)
    along = (random(*jax.eval_shape(layer.apply, variables, x).shape, seed=1) + 0.5).astype(dtype)

    def loss(variables, layer, x):
        return (layer.apply(variables, x) * along).astype(jnp.float32).sum()

    gradient = jax.jit(jax.grad(loss), static_argnums=1)
    found = gradient(variables, layer.clone(dtype=dtype), x)
    expected = gradient(variables, layer, x.astype(np.float32))
    for (path, ours), right in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        error = np.linalg.norm(np.asarray(ours) - np.asarray(right)) / np.linalg.norm(np.asarray(right))
        assert error < 4 * jnp.finfo(dtype).eps, (jax.tree_util.keystr(path), error)


def half_precision_sums(jaxpr):
    """Sums of more than 16 values in bfloat16, in a jaxpr and those inside of it."""
    for equation in jaxpr.eqns:
        for part in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda part: hasattr(part, "eqns")):
            if hasattr(part, "eqns"):
                yield from half_precision_sums(getattr(part, "jaxpr", part))
        if equation.primitive.name in ("reduce_sum", "reduce_window_sum", "cumsum"):
            read, out = equation.invars[0].aval, equation.outvars[0].aval
            if out.dtype == jnp.bfloat16 and read.size > 16 * out.size:
                yield equation


@pytest.mark.parametrize("name", computed(zoo.list_models(), {"lenet5_1998"}))
def test_no_network_sums_in_bfloat16(name):
    """Neither in the forward pass of its training nor in the backward pass."""
    model = zoo.create_model(name, dtype=jnp.bfloat16)
    variables, images = init_shapes(model), jax.ShapeDtypeStruct((32, *model.image_shape), jnp.float32)

    def loss(params, others, x):
        rngs = {"dropout": jax.random.key(0)}
        logits, _ = model.apply({**others, "params": params}, x, train=True, rngs=rngs, mutable=["batch_stats"])
        return jax.nn.logsumexp(logits, axis=-1).sum()

    program = jax.make_jaxpr(jax.grad(loss))(variables["params"], variables, images)
    assert not list(half_precision_sums(program.jaxpr))


def test_such_a_sum_is_found():
    layer, x = nn.Conv(4, (1, 1), dtype=jnp.bfloat16), np.ones((2, 8, 8, 4), jnp.bfloat16)
    variables = jax.eval_shape(layer.init, jax.random.key(0), x)
    program = jax.make_jaxpr(jax.jit(jax.grad(lambda variables: layer.apply(variables, x).astype(jnp.float32).sum())))(
        variables
    )
    assert len(list(half_precision_sums(program.jaxpr))) == 1
