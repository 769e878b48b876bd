"""Transforms of Flax and JAX over layers, shared modules, several outputs, types, and inputs of other ranks."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from export.onnx.user_cases.networks import Case
from jax import lax


class Residual(nn.Module):
    features: int = 4

    @nn.compact
    def __call__(self, x, _=None):
        return x + nn.relu(nn.BatchNorm(use_running_average=True)(nn.Conv(self.features, (3, 3))(x))), None


class Plain(nn.Module):
    features: int = 4

    @nn.compact
    def __call__(self, x):
        return nn.gelu(nn.Dense(self.features)(x))


STATE = {"params": 0, "batch_stats": 0}


class Scanned(nn.Module):
    reverse: bool = False
    remat: bool = False
    unroll: int = 1

    @nn.compact
    def __call__(self, x):
        block = nn.remat(Residual) if self.remat else Residual
        scan = nn.scan(
            block,
            variable_axes=STATE,
            split_rngs={"params": True},
            length=4,
            reverse=self.reverse,
            unroll=self.unroll,
        )
        x, _ = scan()(x, None)
        return nn.Dense(3)(x.mean((1, 2)))


class OverRows(nn.Module):
    """A recurrent layer over the rows of an image."""

    @nn.compact
    def __call__(self, x):
        cell = nn.scan(nn.LSTMCell, variable_broadcast="params", split_rngs={"params": False}, in_axes=1, out_axes=1)(8)
        rows = x.reshape(*x.shape[:2], -1)
        carry, ys = cell(cell.initialize_carry(jax.random.key(0), rows[:, 0].shape), rows)
        return jnp.concatenate([ys.reshape(x.shape[0], -1), *carry], -1)


class Ensemble(nn.Module):
    @nn.compact
    def __call__(self, x):
        many = nn.vmap(
            Plain, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=None, out_axes=0, axis_size=3
        )
        return many()(x).mean(0)


class MappedOverAxis(nn.Module):
    @nn.compact
    def __call__(self, x):
        each = nn.vmap(
            nn.Conv, variable_axes={"params": 0}, split_rngs={"params": True}, in_axes=1, out_axes=1, axis_size=3
        )
        return each(5, (3, 3))(x)


class Shared(nn.Module):
    @nn.compact
    def __call__(self, x):
        conv, norm = nn.Conv(4, (3, 3), name="conv"), nn.BatchNorm(use_running_average=True, name="norm")
        return conv(nn.relu(norm(conv(x)))) + norm(x) * 2


class Tied(nn.Module):
    """One weight in two layers, one of which is followed by a norm."""

    @nn.compact
    def __call__(self, x):
        kernel = self.param("kernel", nn.initializers.normal(), (3, 3, 4, 4))
        convolve = partial(lax.conv_general_dilated, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        y = nn.BatchNorm(use_running_average=True)(convolve(x, kernel, (1, 1), "SAME"))
        return convolve(y, kernel, (1, 1), "SAME") + convolve(y, kernel.transpose(1, 0, 3, 2), (1, 1), "SAME")


class Setup(nn.Module):
    def setup(self):
        self.layers = [nn.Conv(4, (3, 3)) for _ in range(3)]
        self.heads = {"a": nn.Dense(2), "b": nn.Dense(3)}
        self.scale = self.param("scale", nn.initializers.ones, ())
        self.steps = self.variable("batch_stats", "steps", lambda: jnp.zeros((), jnp.int32))

    def __call__(self, x):
        for layer in self.layers:
            x = nn.relu(layer(x)) * self.scale
        pooled = x.mean((1, 2))
        return {name: head(pooled) for name, head in self.heads.items()} | {"steps": self.steps.value}


class Sowing(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(4, (3, 3))(x)
        self.sow("intermediates", "features", x)
        return nn.Dense(2)(x.mean((1, 2)))


class InHalf(nn.Module):
    dtype: object = jnp.float16

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (3, 3), dtype=self.dtype)(x)
        x = nn.relu(nn.BatchNorm(use_running_average=True, dtype=self.dtype)(x))
        x = x + nn.GroupNorm(2, dtype=self.dtype)(nn.Conv(8, (3, 3), dtype=self.dtype)(x))
        x = nn.max_pool(x, (2, 2), (2, 2)).mean((1, 2))
        x = nn.LayerNorm(dtype=self.dtype)(nn.gelu(nn.Dense(6, dtype=self.dtype)(x)))
        return nn.softmax(x.astype(jnp.float32))


@jax.custom_vjp
def doubled(x):
    return 2 * x


doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (g,))


@jax.custom_jvp
def tripled(x):
    return 3 * jnp.sin(x)


tripled.defjvp(lambda primals, tangents: (tripled(*primals), tangents[0]))


def straight_through(x):
    return x + lax.stop_gradient(jnp.sign(x) - x)


def fori(x):
    return lax.fori_loop(0, 3, lambda i, y: y * 0.5 + i, x)


def fori_with_layers(x):
    kernel = jnp.arange(16.0).reshape(4, 4) / 16
    return lax.fori_loop(0, 3, lambda i, y: jnp.tanh(y @ kernel) + x * i, x)


def counted_while(x):
    return lax.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1] * 1.5), (0, x))[1]


def long_chain(x):
    for i in range(300):
        x = x * 1.01 - 0.003 * i if i % 2 else jnp.tanh(x) + 0.1
    return x


def constant_cond(x):
    return lax.cond(True, lambda y: y * 2, lambda y: y - 1, x) + lax.switch(2, [jnp.sin, jnp.cos, jnp.tanh], x)


def mapped(x):
    return jax.vmap(lambda row: row @ row.T)(x.reshape(2, 9, -1)) + lax.map(lambda row: row.sum(), x)[:, None, None]


def associative(x):
    return lax.associative_scan(jnp.add, x, axis=1)


def gru(x):
    rows = x.reshape(*x.shape[:2], -1)
    return nn.RNN(nn.GRUCell(6))(rows)


def bidirectional(x):
    rows = x.reshape(*x.shape[:2], -1)
    return nn.Bidirectional(nn.RNN(nn.SimpleCell(4)), nn.RNN(nn.SimpleCell(4)))(rows)


def normalized_bytes(x):
    mean, std = jnp.array([0.4, 0.5, 0.6]), jnp.array([0.2, 0.25, 0.3])
    return nn.Conv(4, (3, 3))((x.astype(jnp.float32) / 255 - mean) / std)


def outputs(x):
    y = nn.Conv(4, (3, 3), name="conv")(x)
    return {
        "z": y,
        "a": x,
        "same": y,
        "turned": y.transpose(0, 3, 1, 2),
        "constant": jnp.arange(3.0),
        "one": 1.5 * jnp.ones(()),
    }


CASES = {
    "scan": Case(Scanned(), ops={"Conv": 4, "Transpose": 1}),
    "scan_reverse": Case(Scanned(reverse=True)),
    "scan_remat": Case(Scanned(remat=True)),
    "scan_unrolled": Case(Scanned(unroll=2)),
    "lstm": Case(OverRows()),
    "gru": Case(gru),
    "bidirectional": Case(bidirectional),
    "vmap": Case(Ensemble(), (5, 6)),
    "vmap_convolution": Case(MappedOverAxis(), (2, 3, 6, 5, 4)),
    "remat": Case(lambda x: nn.remat(Plain)(6)(x)),
    "jit": Case(lambda x: nn.jit(Plain)(6)(x)),
    "jit_twice": Case(lambda x: nn.jit(Plain)(4)(nn.jit(Plain)(4)(x))),
    "checkpoint": Case(lambda x: jax.checkpoint(lambda y: jnp.sin(y) * y)(x)),
    "shared": Case(Shared(), ops={"Conv": 2}),
    "tied": Case(Tied(), ops={"Conv": 3}),
    "setup": Case(Setup()),
    "sowing": Case(Sowing()),
    "fori": Case(fori),
    "fori_with_layers": Case(fori_with_layers),
    "counted_while": Case(counted_while, refused=True),
    "long_chain": Case(long_chain),
    "constant_cond": Case(constant_cond),
    "mapped": Case(mapped),
    "associative_scan": Case(associative, refused=True),
    "custom_vjp": Case(lambda x: doubled(x) + nn.Dense(4)(x)),
    "custom_jvp": Case(lambda x: tripled(x) + nn.Dense(4)(x)),
    "straight_through": Case(straight_through),
    "gradient": Case(lambda x: jax.grad(lambda y: (jnp.tanh(y) ** 2).sum())(x)),
    "outputs": Case(outputs),
    "the_input": Case(lambda x: x),
    "a_constant": Case(lambda x: jnp.arange(4.0)),
    "a_variable": Case(lambda x: nn.Embed(3, 4)(jnp.array([1, 2]))),
    "zero_times": Case(lambda x: jnp.zeros_like(x)),
    "shape_only": Case(lambda x: jnp.full((x.shape[0], 3), 2.0)),
    "scalar": Case(lambda x: x.sum()),
    "rank_0": Case(lambda x: x * 2 + 1, ()),
    "rank_1": Case(lambda x: jnp.tanh(x) + x[::-1], (5,)),
    "rank_2": Case(nn.Sequential([nn.Dense(4), nn.relu, nn.Dense(2)]), (3, 5)),
    "rank_6": Case(lambda x: x.transpose(5, 3, 1, 0, 2, 4).sum(2) * 2, (2, 3, 2, 2, 3, 2)),
    "rank_7_reshape": Case(lambda x: x.transpose(6, 0, 5, 1, 4, 2, 3).reshape(4, -1), (2, 3, 2, 2, 3, 2, 2)),
    "size_1_axes": Case(lambda x: nn.Conv(1, (3, 3))(x).reshape(1, -1), (1, 1, 1, 1)),
    "batch_1": Case(lambda x: nn.Dense(3)(nn.Conv(4, (3, 3))(x).mean((1, 2))), (1, 5, 5, 3)),
    "one_channel": Case(lambda x: nn.GroupNorm(2)(nn.Conv(4, (3, 3))(x)), (2, 5, 6, 1)),
    "one_row": Case(lambda x: nn.LayerNorm()(nn.Conv(4, (3, 3))(x)), (2, 1, 6, 3)),
    "empty": Case(lambda x: x[:, :0], (2, 5, 6, 3)),
    "empty_joined": Case(lambda x: jnp.concatenate([x[:, :0], x], 1) * 2, (2, 5, 6, 3)),
    "empty_reduced": Case(lambda x: x[:, :0].sum(1) + 1, (2, 5, 6, 3)),
    "uint8": Case(normalized_bytes, (2, 6, 5, 3), np.uint8),
    "uint8_out": Case(lambda x: x + x.dtype.type(3), (2, 6, 5, 3), np.uint8),
    "uint8_wraps": Case(lambda x: x * x.dtype.type(3), (2, 6, 5, 3), np.uint8),
    "int32": Case(lambda x: (x * 3 - 1) // 4 + x % 5 + jnp.abs(x), (2, 6, 5, 3), np.int32),
    "int32_negative_division": Case(
        lambda x: (x - 100) // 7 + lax.div(x - 100, 7) + (x - 100) % 7 + lax.rem(x - 99, 7), (2, 9), np.int32
    ),
    "int32_powers": Case(lambda x: (x % 7) ** 2 + (x % 5) ** 3 + (x % 3) ** 7, (2, 9), np.int32),
    "int8": Case(lambda x: jnp.minimum(x, 5) + jnp.maximum(x, 2), (2, 9), np.int8),
    "int_reductions": Case(lambda x: x.sum() + x.max(0) - x.min(1)[:, None] + (x % 3).prod(), (2, 3), np.int32),
    "shifts": Case(lambda x: (x << 2) ^ (x >> 1) | (x & 6), (2, 9), np.int32, refused=True),
    "shifts_unsigned": Case(lambda x: (x << 2) ^ (x >> 1) | (x & 6) | ~x, (2, 9), np.uint8, refused=True),
    "bool": Case(lambda x: x & ~x[::-1] | x.any(1, keepdims=True), (2, 9), bool),
    "bool_to_float": Case(lambda x: x.astype(jnp.float32).sum(1) + x.sum(1), (2, 9), bool),
    "bool_mask": Case(lambda x: jnp.where(x, 1.0, jnp.nan), (2, 9), bool),
    "bool_max": Case(lambda x: jnp.maximum(x, x[::-1]), (2, 9), bool),
    "bool_equal": Case(lambda x: (x == x[::-1]) | (x != x[:, ::-1]), (2, 9), bool),
    "infinity": Case(lambda x: jnp.maximum(x, -jnp.inf) + jnp.where(x > 0, jnp.inf, 0)),
    "nan": Case(lambda x: jnp.where(x > 0, jnp.nan, x)),
    "is_finite": Case(lambda x: jnp.isfinite(x / jnp.maximum(x, 0)) | jnp.isnan(x) | jnp.isinf(x)),
    "large_integers": Case(lambda x: (x * 1000003) ^ 0x7FFFFFFF, (2, 9), np.int32),
    "float16": Case(InHalf(), tolerance=1e-2),
    "float16_in": Case(lambda x: nn.Conv(4, (3, 3), dtype=jnp.float16)(x) * 2, dtype=np.float16, tolerance=1e-2),
    "bfloat16": Case(InHalf(jnp.bfloat16), tolerance=1e-2),
    "bfloat16_dense": Case(
        nn.Sequential([nn.Dense(4, dtype=jnp.bfloat16), nn.relu, nn.Dense(2)]), (3, 5), tolerance=1e-2
    ),
    "param_dtype": Case(lambda x: nn.Conv(4, (3, 3), param_dtype=jnp.bfloat16)(x), tolerance=1e-2),
    "casts": Case(lambda x: (x * 3).astype(jnp.int32).astype(jnp.float16).astype(jnp.float32) + x.astype(bool)),
    "casts_to_bytes": Case(lambda x: jnp.clip(x * 100, 0, 255).astype(jnp.uint8)),
    "reduce_precision": Case(lambda x: lax.reduce_precision(x, 8, 7), refused=True),
    "iota_of_shape": Case(lambda x: x * jnp.arange(x.shape[1])[:, None, None] + jnp.eye(8, 4)),
    "complex_free_fourier_features": Case(
        lambda x: jnp.concatenate([f(x[..., None] * 2.0 ** jnp.arange(3)) for f in (jnp.sin, jnp.cos)], -1).reshape(
            2, -1
        )
    ),
    "cosine_transform_by_product": Case(
        lambda x: x @ jnp.cos(jnp.pi / 4 * (jnp.arange(4)[:, None] + 0.5) * jnp.arange(4))
    ),
}
