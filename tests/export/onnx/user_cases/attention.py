"""Attention of Flax and by hand, and transformers of images."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from export.onnx.user_cases.networks import Case

TOKENS, IMAGE = (2, 6, 8), (2, 16, 16, 3)


def by_hand(x, heads=2, mask=None):
    b, n, c = x.shape
    q, k, v = jnp.split(nn.Dense(3 * c, name="qkv")(x).reshape(b, n, 3, heads, c // heads), 3, axis=2)
    q, k, v = (one.squeeze(2).transpose(0, 2, 1, 3) for one in (q, k, v))
    scores = q @ k.swapaxes(-1, -2) * (c // heads) ** -0.5
    if mask is not None:
        scores = jnp.where(mask, scores, -1e9)
    mixed = nn.softmax(scores) @ v
    return nn.Dense(c, name="out")(mixed.transpose(0, 2, 1, 3).reshape(b, n, c))


def by_einsum(x, heads=2):
    c = x.shape[-1]
    q, k, v = (nn.DenseGeneral((heads, c // heads))(x) for _ in range(3))
    weights = nn.softmax(jnp.einsum("bqhd,bkhd->bhqk", q, k) / jnp.sqrt(c // heads))
    return nn.DenseGeneral(c, axis=(-2, -1))(jnp.einsum("bhqk,bkhd->bqhd", weights, v))


def axial(x):
    rows = nn.MultiHeadDotProductAttention(2)(x)
    return x + nn.MultiHeadDotProductAttention(2)(rows.swapaxes(1, 2)).swapaxes(1, 2)


def windowed(x, window=4):
    b, h, w, c = x.shape
    parts = x.reshape(b, h // window, window, w // window, window, c).transpose(0, 1, 3, 2, 4, 5)
    mixed = by_hand(parts.reshape(-1, window * window, c))
    whole = mixed.reshape(b, h // window, w // window, window, window, c).transpose(0, 1, 3, 2, 4, 5)
    return whole.reshape(b, h, w, c)


def linear_attention(x):
    q, k, v = (nn.Dense(8)(x) for _ in range(3))
    return nn.softmax(q, -1) @ (nn.softmax(k, 1).swapaxes(1, 2) @ v)


def non_local(x):
    b, h, w, c = x.shape
    q, k, v = (nn.Conv(4, (1, 1))(x).reshape(b, h * w, 4) for _ in range(3))
    return x + nn.Conv(c, (1, 1))((nn.softmax(q @ k.swapaxes(1, 2)) @ v).reshape(b, h, w, 4))


class Block(nn.Module):
    heads: int = 2

    @nn.compact
    def __call__(self, x):
        x = x + nn.MultiHeadDotProductAttention(self.heads)(nn.LayerNorm()(x))
        y = nn.Dense(4 * x.shape[-1])(nn.LayerNorm()(x))
        return x + nn.Dense(x.shape[-1])(nn.gelu(y))


class Vit(nn.Module):
    """With a class token and an embedding of positions."""

    depth: int = 2
    pooled: bool = False

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (4, 4), strides=4, padding="VALID", name="patches")(x)
        x = x.reshape(x.shape[0], -1, x.shape[-1])
        if not self.pooled:
            token = self.param("token", nn.initializers.normal(), (1, 1, 8))
            x = jnp.concatenate([jnp.broadcast_to(token, (x.shape[0], 1, 8)), x], 1)
        x = x + self.param("positions", nn.initializers.normal(), (1, x.shape[1], 8))
        for i in range(self.depth):
            x = Block(name=f"block_{i}")(x)
        x = nn.LayerNorm(name="norm")(x)
        return nn.Dense(5, name="head")(x.mean(1) if self.pooled else x[:, 0])


class Mixer(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.Conv(8, (4, 4), strides=4)(x)
        x = x.reshape(x.shape[0], -1, 8)
        for _ in range(2):
            y = nn.LayerNorm()(x).swapaxes(1, 2)
            x = x + nn.Dense(16)(nn.gelu(nn.Dense(12)(y))).swapaxes(1, 2)
            x = x + nn.Dense(8)(nn.gelu(nn.Dense(24)(nn.LayerNorm()(x))))
        return nn.Dense(5)(x.mean(1))


def rotary(x):
    b, n, c = x.shape
    angles = jnp.arange(n)[:, None] / 100 ** (jnp.arange(c // 2) / (c // 2))
    first, second = x[..., ::2], x[..., 1::2]
    turned = [first * jnp.cos(angles) - second * jnp.sin(angles), first * jnp.sin(angles) + second * jnp.cos(angles)]
    return jnp.stack(turned, -1).reshape(b, n, c)


def relative_bias(x):
    table = nn.Embed(11, 2)(jnp.arange(6)[:, None] - jnp.arange(6)[None] + 5)
    scores = jnp.einsum("bqd,bkd->bqk", x, x)[:, None] + table.transpose(2, 0, 1)
    return nn.softmax(scores) @ x[:, None]


CASES = {
    "flax": Case(lambda x: nn.MultiHeadDotProductAttention(2)(x), TOKENS, ops={"Softmax": 1, "MatMul": 6}),
    "flax_features": Case(lambda x: nn.MultiHeadDotProductAttention(4, qkv_features=12, out_features=5)(x), TOKENS),
    "flax_no_bias": Case(lambda x: nn.MultiHeadDotProductAttention(2, use_bias=False)(x), TOKENS),
    "flax_normalized": Case(lambda x: nn.MultiHeadDotProductAttention(2, normalize_qk=True)(x), TOKENS),
    "flax_causal": Case(
        lambda x: nn.MultiHeadDotProductAttention(2)(x, mask=nn.make_causal_mask(jnp.ones((2, 6)))), TOKENS
    ),
    "flax_masked_by_values": Case(
        lambda x: nn.MultiHeadDotProductAttention(2)(x, mask=nn.make_attention_mask(x[..., 0] > 0, x[..., 0] > -9)),
        TOKENS,
    ),
    "flax_cross": Case(lambda x: nn.MultiHeadDotProductAttention(2)(x[:, :2], x[:, 2:]), TOKENS),
    "flax_on_images": Case(lambda x: nn.MultiHeadDotProductAttention(2)(x), (2, 5, 6, 8)),
    "flax_one_head": Case(lambda x: nn.MultiHeadDotProductAttention(1)(x), TOKENS),
    "flax_dot_product": Case(lambda x: nn.dot_product_attention(*(x.reshape(2, 6, 2, 4),) * 3), TOKENS),
    "jax_dot_product": Case(lambda x: jax.nn.dot_product_attention(*(x.reshape(2, 6, 2, 4),) * 3), TOKENS),
    "jax_dot_product_causal": Case(
        lambda x: jax.nn.dot_product_attention(*(x.reshape(2, 6, 2, 4),) * 3, is_causal=True), TOKENS
    ),
    "jax_grouped_queries": Case(
        lambda x: jax.nn.dot_product_attention(x.reshape(2, 6, 4, 2), *(x[..., :4].reshape(2, 6, 2, 2),) * 2), TOKENS
    ),
    "by_hand": Case(by_hand, TOKENS, ops={"Softmax": 1, "MatMul": 4}),
    "by_hand_masked": Case(lambda x: by_hand(x, mask=jnp.tril(jnp.ones((6, 6), bool))), TOKENS),
    "by_einsum": Case(by_einsum, TOKENS),
    "axial": Case(axial, (2, 4, 5, 8)),
    "windowed": Case(windowed, (2, 8, 12, 8)),
    "linear": Case(linear_attention, TOKENS),
    "non_local": Case(non_local),
    "rotary": Case(rotary, TOKENS),
    "relative_bias": Case(relative_bias, TOKENS),
    "vit": Case(Vit(), IMAGE, ops={"LayerNormalization": 5, "Softmax": 2, "Gelu": 2, "Conv": 1}),
    "vit_pooled": Case(Vit(pooled=True), IMAGE),
    "mixer": Case(Mixer(), IMAGE),
}
