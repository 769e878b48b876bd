"""Networks made at random from blocks that users write."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np


def _convolution(x, rng):
    features, groups = int(rng.choice([4, 6, 8])), 1
    if x.shape[-1] % 2 == 0 and rng.random() < 0.3:
        groups = 2
    if rng.random() < 0.2:
        features = groups = x.shape[-1]
    kernel = tuple(int(n) for n in rng.integers(1, 4, 2))
    padding = rng.choice(["SAME", "CIRCULAR", "REFLECT", "pads"])
    return nn.Conv(
        features,
        kernel,
        strides=int(rng.choice([1, 1, 2])),
        padding=((1, 2), (0, 1)) if padding == "pads" else str(padding),
        kernel_dilation=int(rng.choice([1, 1, 2])),
        feature_group_count=groups,
        use_bias=bool(rng.random() < 0.7),
    )(x)


def _transposed(x, rng):
    if x.shape[1] > 12:
        return x
    kernel = tuple(int(n) for n in rng.integers(2, 5, 2))
    padding = str(rng.choice(["SAME", "VALID"]))
    return nn.ConvTranspose(int(rng.choice([4, 6])), kernel, strides=(2, 2), padding=padding)(x)


def _norm(x, rng):
    groups = [n for n in (1, 2, 3, 4) if x.shape[-1] % n == 0]
    norms = [
        nn.BatchNorm(use_running_average=True),
        nn.LayerNorm(use_fast_variance=bool(rng.random() < 0.5)),
        nn.GroupNorm(int(rng.choice(groups))),
        nn.InstanceNorm(),
        nn.RMSNorm(),
        nn.LayerNorm(use_bias=False, use_scale=False),
    ]
    return norms[rng.integers(len(norms))](x)


def _activation(x, rng):
    functions = [nn.relu, nn.gelu, nn.silu, nn.elu, nn.hard_swish, nn.leaky_relu, nn.softplus, jnp.tanh, nn.relu6]
    functions += [lambda y: y * jnp.tanh(nn.softplus(y)), lambda y: jnp.clip(y, -0.5, 1.0), jnp.abs, nn.sigmoid]
    return functions[rng.integers(len(functions))](x)


def _pool(x, rng):
    if min(x.shape[1:3]) < 4:
        return x
    window = tuple(int(n) for n in rng.integers(2, 4, 2))
    padding = ["SAME", "VALID", ((1, 0), (0, 1))][rng.integers(3)]
    if rng.random() < 0.5:
        return nn.max_pool(x, window, (2, 1), padding)
    return nn.avg_pool(x, window, (1, 2), padding, count_include_pad=bool(rng.random() < 0.5))


def _resize(x, rng):
    b, h, w, c = x.shape
    size = (b, int(rng.integers(3, 2 * h)), int(rng.integers(3, 2 * w)), c) if h < 12 else (b, h // 2, w // 2, c)
    return jax.image.resize(x, size, str(rng.choice(["nearest", "linear", "cubic", "lanczos3"])))


def _residual(x, rng):
    y = nn.Conv(x.shape[-1], (3, 3))(_activation(_norm(x, rng), rng))
    return x + y * rng.uniform(0.5, 1.5)


def _branches(x, rng):
    parts = [nn.Conv(4, (1, 1))(x), nn.max_pool(x, (3, 3), padding="SAME"), _activation(x, rng)]
    return jnp.concatenate(parts[: rng.integers(2, 4)], axis=-1)


def _squeeze_excite(x, rng):
    gates = nn.Dense(x.shape[-1])(_activation(nn.Dense(3)(x.mean((1, 2))), rng))
    return x * nn.sigmoid(gates)[:, None, None]


def _attention(x, rng):
    b, h, w, c = x.shape
    if c % 2 or h * w > 200:
        return x
    tokens = nn.LayerNorm()(x.reshape(b, h * w, c))
    if rng.random() < 0.5:
        return x + nn.MultiHeadDotProductAttention(2)(tokens).reshape(x.shape)
    scores = nn.softmax(tokens @ tokens.swapaxes(1, 2) / c**0.5)
    return x + nn.Dense(c)(scores @ tokens).reshape(x.shape)


def _moved(x, rng):
    b, h, w, c = x.shape
    moves = [
        lambda: x[:, ::-1],
        lambda: x.swapaxes(1, 2),
        lambda: jnp.roll(x, (1, 2), (1, 3)),
        lambda: jnp.pad(x, ((0, 0), (1, 0), (0, 2), (0, 0)), str(rng.choice(["edge", "reflect", "constant"]))),
        lambda: x.reshape(b, h, w, 2, c // 2).swapaxes(3, 4).reshape(x.shape) if c % 2 == 0 else x,
        lambda: jnp.concatenate([x[..., c // 2 :], x[..., : c // 2]], -1),
        lambda: jnp.where(x > 0, x, 0.1 * x) - x.mean((1, 2), keepdims=True),
        lambda: jnp.repeat(x, 2, 1) if h < 10 else x[:, ::2],
        lambda: nn.Dense(c)(x.swapaxes(1, 3)).swapaxes(1, 3)[..., :c] if c > 1 else x,
        lambda: x / (1e-3 + jnp.linalg.norm(x, axis=-1, keepdims=True)),
        lambda: jnp.take(x, jnp.asarray(rng.integers(0, c, c)), axis=-1),
        lambda: x - x.cumsum(2) / (1 + jnp.arange(w))[:, None],
    ]
    return moves[rng.integers(len(moves))]()


def _head(x, rng):
    heads = [
        lambda: x.mean((1, 2)),
        lambda: x.reshape(x.shape[0], -1),
        lambda: jnp.concatenate([x.max((1, 2)), x.std((1, 2))], -1),
        lambda: x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1),
    ]
    y = nn.Dense(5)(heads[rng.integers(len(heads))]())
    return [lambda: y, lambda: nn.softmax(y), lambda: nn.log_softmax(y)][rng.integers(3)]()


BLOCKS = (
    *(_convolution, _convolution, _transposed, _norm, _norm, _activation, _activation, _pool, _resize),
    *(_residual, _branches, _squeeze_excite, _attention, _moved, _moved),
)


class RandomNetwork(nn.Module):
    """A network of eight blocks, and a head; the same for the same seed."""

    seed: int

    @nn.compact
    def __call__(self, x):
        rng = np.random.default_rng(self.seed)
        for _ in range(8):
            x = BLOCKS[rng.integers(len(BLOCKS))](x, rng)
        return {"features": x, "logits": _head(x, rng)}
