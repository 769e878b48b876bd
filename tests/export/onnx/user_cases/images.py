"""Pools, resizing, padding, and layouts: what moves pixels."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from export.onnx.user_cases.networks import Case
from jax import lax

LINE, VOLUME = (2, 13, 4), (2, 5, 6, 7, 4)


def pooled(function, *args, **settings):
    return lambda x: function(x, *args, **settings)


def resized(method, shape, **settings):
    return lambda x: jax.image.resize(nn.Conv(4, (3, 3))(x), shape, method, **settings)


def pixel_shuffle(x, r=2):
    b, h, w, c = x.shape
    return x.reshape(b, h, w, r, r, c // r**2).transpose(0, 1, 3, 2, 4, 5).reshape(b, h * r, w * r, c // r**2)


def space_to_depth(x, r=2):
    b, h, w, c = x.shape
    return x.reshape(b, h // r, r, w // r, r, c).transpose(0, 1, 3, 2, 4, 5).reshape(b, h // r, w // r, c * r * r)


def channel_shuffle(x, groups=2):
    b, h, w, c = x.shape
    return x.reshape(b, h, w, groups, c // groups).swapaxes(3, 4).reshape(b, h, w, c)


def squeeze_excite(x):
    gates = nn.sigmoid(nn.Dense(8)(nn.relu(nn.Dense(2)(x.mean((1, 2))))))
    return x * gates[:, None, None, :]


def conv(x, features=8, **settings):
    return nn.Conv(features, (3, 3), **settings)(x)


def mixed_layouts(x):
    y = nn.relu(conv(x))
    flat = nn.Dense(8)(y.reshape(y.shape[0], -1))
    rows = nn.Dense(8)(y.mean(2)).mean(1)
    turned = nn.Dense(8)(y.transpose(0, 3, 1, 2).reshape(y.shape[0], -1))
    return conv(y + flat[:, None, None] * rows[:, None, None]) + turned[:, None, None, :]


def coordinates(x):
    b, h, w, _ = x.shape
    grid = jnp.stack(jnp.meshgrid(jnp.linspace(-1, 1, h), jnp.linspace(-1, 1, w), indexing="ij"), -1)
    return conv(jnp.concatenate([x, jnp.broadcast_to(grid, (b, h, w, 2))], -1))


def skip_of_part(x):
    y = conv(nn.relu(x))
    return jnp.concatenate([x, y], axis=-1)[..., ::2] + y[..., :6]


def spatial_pyramid(x):
    y = conv(x)
    parts = [y.reshape(2, 8 // n, n, 8 // n, n, 8).mean((2, 4)).reshape(2, -1) for n in (8, 4, 2)]
    return nn.Dense(3)(jnp.concatenate(parts, -1))


def upsample_nearest(x):
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 3, axis=2)


def unet(x):
    down = nn.relu(conv(x))
    y = nn.relu(conv(nn.max_pool(down, (2, 2), (2, 2)), 12))
    y = nn.ConvTranspose(8, (2, 2), strides=(2, 2))(y)
    return nn.Conv(3, (1, 1))(jnp.concatenate([y, down], -1))


UP, DOWN = (2, 18, 16, 4), (2, 3, 4, 4)
METHODS = ("nearest", "linear", "cubic", "lanczos3", "lanczos5")
WITH_NODE = ("nearest", "linear")  # in all runtimes, for a fixed size
POOLS = {
    "max": pooled(nn.max_pool, (2, 2), (2, 2)),
    "max_same": pooled(nn.max_pool, (3, 3), (2, 2), "SAME"),
    "max_stride_1": pooled(nn.max_pool, (3, 3), padding="SAME"),
    "max_pads": pooled(nn.max_pool, (3, 3), (2, 2), ((1, 2), (0, 1))),
    "max_large_pads": pooled(nn.max_pool, (2, 2), (2, 2), ((3, 3), (0, 2))),
    "min": lambda x: -nn.max_pool(-x, (3, 3), (2, 2), "SAME"),
    "min_by_pool": lambda x: nn.pool(x, jnp.inf, lax.min, (3, 3), (2, 2), "SAME"),
    "average": pooled(nn.avg_pool, (2, 2), (2, 2)),
    "average_same": pooled(nn.avg_pool, (3, 3), (2, 2), "SAME"),
    "average_same_inside": pooled(nn.avg_pool, (3, 3), (2, 2), "SAME", count_include_pad=False),
    "average_pads": pooled(nn.avg_pool, (3, 2), (1, 2), ((1, 2), (0, 1))),
    "average_pads_inside": pooled(nn.avg_pool, (3, 2), (1, 2), ((1, 2), (0, 1)), count_include_pad=False),
    "average_large_pads": pooled(nn.avg_pool, (2, 2), (2, 2), ((3, 3), (0, 2))),
    "sum": lambda x: nn.pool(x, 0.0, lax.add, (2, 3), (1, 1), "VALID"),
    "product": lambda x: nn.pool(x, 1.0, lax.mul, (2, 2), (2, 2), "VALID"),
    "l2": lambda x: jnp.sqrt(nn.avg_pool(x**2, (2, 2), (2, 2))),
    "max_from_0": lambda x: nn.pool(x, 0.0, lax.max, (2, 2), (1, 1), "SAME"),
    "max_over_channels": lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 1, 2), (1, 1, 1, 2), "VALID"),
    "max_over_all": lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 3, 2, 2), (1, 1, 1, 2), "SAME"),
    "dilated": lambda x: lax.reduce_window(
        x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", window_dilation=(1, 2, 3, 1)
    ),
    "image_dilated": lambda x: lax.reduce_window(
        x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", base_dilation=(1, 2, 2, 1)
    ),
    "whole": lambda x: nn.max_pool(x, x.shape[1:3]),
    "global_max": lambda x: x.max((1, 2)),
    "global_average": lambda x: x.mean((1, 2)),
    "softmax_pool": lambda x: (nn.softmax(x.reshape(2, -1, 4), 1) * x.reshape(2, -1, 4)).sum(1),
    "argmax_pool": lambda x: x.reshape(2, -1, 4).argmax(1),
    "cumulative_max": lambda x: lax.cummax(x, axis=1),
    "integral_image": lambda x: x.cumsum(1).cumsum(2),
    "cumulative_product": lambda x: jnp.cumprod(x, 1),
    "moving_average": lambda x: jnp.convolve(x[0, :, 0, 0], jnp.ones(3) / 3, mode="same"),
}
SHAPES = {
    "pixel_shuffle": lambda x: conv(pixel_shuffle(conv(x))),
    "pixel_shuffle_other": lambda x: x.reshape(2, 9, 8, 1, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(2, 18, 16, 1),
    "space_to_depth": lambda x: conv(space_to_depth(conv(x[:, :8]))),
    "channel_shuffle": lambda x: conv(channel_shuffle(conv(x))),
    "channel_shuffle_depthwise": lambda x: conv(channel_shuffle(conv(x)), feature_group_count=8),
    "channel_shuffle_groups": lambda x: conv(channel_shuffle(conv(x)), feature_group_count=2),
    "channel_shuffle_norm": lambda x: nn.LayerNorm()(channel_shuffle(conv(x), 4)),
    "channel_shuffle_twice": lambda x: (
        channel_shuffle(nn.relu(channel_shuffle(conv(x), 4)), 4) + channel_shuffle(x)[..., :1]
    ),
    "squeeze_excite": lambda x: conv(squeeze_excite(conv(x))),
    "mixed_layouts": mixed_layouts,
    "coordinates": coordinates,
    "skip_of_part": skip_of_part,
    "repeat_after_conv": lambda x: conv(upsample_nearest(conv(x))),
    "tile": lambda x: jnp.tile(x, (1, 2, 1, 3)),
    "tile_batch": lambda x: jnp.tile(conv(x), (2, 1, 1, 1)),
    "flip": lambda x: conv(x[:, ::-1, ::-1]),
    "flip_channels": lambda x: conv(x[..., ::-1]),
    "flip_all": lambda x: jnp.flip(conv(x)),
    "roll": lambda x: jnp.roll(conv(x), (2, -3), (1, 2)),
    "roll_channels": lambda x: jnp.roll(conv(x), 3, -1),
    "rotate": lambda x: jnp.rot90(conv(x), axes=(1, 2)),
    "swap": lambda x: conv(x.swapaxes(1, 2)),
    "move_axis": lambda x: jnp.moveaxis(conv(x), -1, 1),
    "slices": lambda x: conv(x)[:, 1:-1:2, -5:, 2:7:3],
    "slices_end": lambda x: x[:, 8:, :1, -1:],
    "index": lambda x: conv(x)[:, 3, -2],
    "index_channel": lambda x: conv(x)[..., 0],
    "ellipsis": lambda x: conv(x)[1:, ..., None, :, 2],
    "take": lambda x: jnp.take(conv(x), jnp.array([3, 0, 0, 5]), axis=-1),
    "take_grid": lambda x: conv(x)[:, jnp.array([[0, 1], [2, 3]])],
    "take_pairs": lambda x: conv(x)[:, jnp.array([0, 3, 5]), jnp.array([1, 2, 7])],
    "take_pairs_apart": lambda x: conv(x)[:, jnp.array([0, 3, 5]), :, jnp.array([1, 2, 7])],
    "take_negative": lambda x: jnp.take(x, jnp.array([-1, 1]), axis=1),
    "take_out_of_range": lambda x: jnp.take(x, jnp.array([0, 77]), axis=1, mode="clip"),
    "take_filled": lambda x: jnp.nan_to_num(jnp.take(x, jnp.array([0, 77]), axis=1), nan=5.0),
    "take_along": lambda x: jnp.take_along_axis(x, x.argmax(1, keepdims=True), 1),
    "take_by_value": lambda x: jnp.take(x, x[0, :3, 0, 0].astype(jnp.int32) % 8, axis=2),
    "index_by_value": lambda x: x[jnp.arange(2), x[:, 0, 0, 0].astype(jnp.int32) % 8],
    "set": lambda x: conv(x).at[:, 1].set(0),
    "set_part": lambda x: conv(x).at[:, 2:5, :, 1].set(3.0),
    "add_part": lambda x: x.at[:, ::2].add(1.0),
    "add_indices": lambda x: x.at[:, jnp.array([0, 0, 1])].add(1.0),
    "dynamic_update": lambda x: lax.dynamic_update_slice(x, x[:, :2] * 2, (0, 3, 0, 0)),
    "concatenate": lambda x: jnp.concatenate([conv(x), x, conv(x, 3)], -1),
    "concatenate_rows": lambda x: conv(jnp.concatenate([x, -x], 1)),
    "concatenate_batch": lambda x: conv(jnp.concatenate([x, x[:1]], 0)),
    "stack": lambda x: jnp.stack([x, conv(x, 4)], 1),
    "stack_last": lambda x: jnp.stack([x, conv(x, 4)], -1).sum(-1),
    "unstack": lambda x: sum(lax.unstack(conv(x), 1)) + lax.unstack(x, -1)[1][:, 0, :, None],
    "split": lambda x: sum(nn.relu(part) for part in jnp.split(conv(x), 4, -1)),
    "split_rows": lambda x: jnp.split(x, [2, 5], 1)[1],
    "inception": lambda x: jnp.concatenate([conv(x), nn.max_pool(x, (3, 3), padding="SAME")], -1),
    "spatial_pyramid": lambda x: spatial_pyramid(x[:, :8]),
    "unet": lambda x: unet(x[:, :8]),
    "diagonal": lambda x: jnp.diagonal(x, axis1=1, axis2=2),
    "trace": lambda x: jnp.trace(x, axis1=1, axis2=2),
    "triangle": lambda x: jnp.tril(x),
    "outer": lambda x: jnp.einsum("bhwc,bhwd->bcd", x, x),
    "outer_flat": lambda x: jnp.einsum("bi,bj->bij", x[:, 0, 0], x[:, 1, 1]),
    "bilinear": lambda x: jnp.einsum("bi,bj,ijk->bk", x[:, 0, 0], x[:, 1, 1], jnp.arange(48.0).reshape(4, 4, 3)),
    "product_of_everything": lambda x: jnp.tensordot(x, x, axes=4),
    "product_of_vectors": lambda x: x[0, 0, 0] @ x[1, 1, 1],
    "product_with_vector": lambda x: x @ jnp.arange(4.0),
    "vector_times": lambda x: jnp.arange(2.0) @ x[:, :, 0, 0],
    "matrix_times": lambda x: jnp.arange(18.0).reshape(2, 9) @ x[..., 0],
    "kron": lambda x: jnp.kron(x[0, :, :, 0], jnp.eye(2)),
    "expand": lambda x: jnp.broadcast_to(x[:, :1], x.shape) + x,
    "expand_only": lambda x: jnp.broadcast_to(x[:, :1], x.shape),
    "expand_and_sum": lambda x: jnp.broadcast_to(x[:, :1], x.shape).sum((1, 2)),
    "expand_and_max": lambda x: jnp.broadcast_to(x[:, :1], x.shape).max(1),
    "expand_and_reshape": lambda x: jnp.broadcast_to(x[:, :1], x.shape).reshape(2, -1),
    "expand_and_convolve": lambda x: conv(jnp.broadcast_to(x[:, :1], x.shape)),
    "expand_and_pad": lambda x: jnp.pad(jnp.broadcast_to(x[:, :1], x.shape), ((0, 0), (1, 1), (0, 0), (0, 0))),
    "expand_and_slice": lambda x: jnp.broadcast_to(x[:, :1], x.shape)[:, 2:4],
    "expand_and_flip": lambda x: jnp.broadcast_to(x[:, :1], x.shape)[:, ::-1],
    "expand_and_cumsum": lambda x: jnp.broadcast_to(x[:, :1], x.shape).cumsum(1),
    "expand_and_argmax": lambda x: jnp.broadcast_to(x[:, :1], x.shape).argmax(1),
    "expand_and_pool": lambda x: nn.max_pool(jnp.broadcast_to(x[:, :1], x.shape), (2, 2), (2, 2)),
    "expand_and_concatenate": lambda x: jnp.concatenate([jnp.broadcast_to(x[:, :1], x.shape), x], 1),
    "flatten": lambda x: nn.Dense(3)(conv(x).reshape(2, -1)),
    "flatten_all": lambda x: conv(x).reshape(-1),
    "ravel_order": lambda x: conv(x).transpose(0, 2, 1, 3).reshape(2, -1, 8),
    "reshape_across": lambda x: conv(x).reshape(2, 8, 9, 8),
    "reshape_uneven": lambda x: conv(x).reshape(3, 4, 6, 16),
    "reshape_column_order": lambda x: conv(x).reshape((2, -1), order="F"),
    "statistics": lambda x: jnp.concatenate([x.mean((1, 2)), x.var((1, 2)), x.std((1, 2)), x.max((1, 2))], -1),
    "statistics_all": lambda x: jnp.stack([x.mean(), x.var(), x.min(), jnp.abs(x).sum(), jnp.prod(x)]),
    "norms": lambda x: jnp.stack([jnp.linalg.norm(x, o, -1) for o in (None, 1, 2, jnp.inf)]),
    "any_all": lambda x: jnp.stack([(x > 1).any(1), (x > -1).all(1)]),
    "counts": lambda x: (x > 0).sum((1, 2)),
    "where_three": lambda x: jnp.select([x > 1, x > 0], [x, 2 * x], -x),
    "clip_of_pixels": lambda x: jnp.clip(x * 300, 0, 255),
    "clip": lambda x: jnp.clip(conv(x), -0.3, 0.7),
    "clip_by_values": lambda x: jnp.clip(x, x.min(-1, keepdims=True) * 0.5, x.mean(-1, keepdims=True)),
    "logic": lambda x: ((x > 0) & (x < 1)) | ~(x > -1) ^ (x == 0),
    "comparisons": lambda x: (x >= 0).astype(jnp.float32) + (x <= x[::-1]) + (x != 0) + (x > 1),
    "differences": lambda x: jnp.diff(x, axis=1),
    "gradient_of_image": lambda x: jnp.gradient(x, axis=1),
    "linspace_weighted": lambda x: x * jnp.linspace(0, 1, 9)[:, None, None],
    "moments": lambda x: jnp.cov(x.reshape(-1, 4), rowvar=False),
}
REFUSED = ("product", "max_from_0", "max_over_all", "image_dilated", "cumulative_max", "cumulative_product")
REFUSED += ("set", "set_part", "add_part", "add_indices", "dynamic_update")
CASES = {
    **{f"pool_{name}": Case(function, refused=name in REFUSED) for name, function in POOLS.items()},
    "repeat": Case(upsample_nearest, ops={"Resize": 1, "Expand": 0}),
    "repeat_one_image": Case(upsample_nearest, (1, 9, 8, 4), ops={"Resize": 1, "Expand": 0}),
    "pool_line": Case(pooled(nn.max_pool, (2,), (2,)), LINE),
    "pool_volume": Case(pooled(nn.avg_pool, (2, 2, 2), (2, 2, 2)), VOLUME),
    "pool_no_batch": Case(pooled(nn.max_pool, (2, 2), (2, 2)), (9, 8, 4)),
    "pool_integers": Case(pooled(nn.max_pool, (2, 2), (2, 2)), dtype="int32"),
    "pool_bytes": Case(pooled(nn.max_pool, (2, 2), (2, 2), "SAME"), dtype="uint8"),
    "pool_sum_integers": Case(
        lambda x: lax.reduce_window(x, 0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "SAME"), dtype="int32", refused=True
    ),
    **{f"resize_up_{m}": Case(resized(m, UP), ops={"Transpose": 2, "Resize": m in WITH_NODE}) for m in METHODS},
    **{f"resize_down_{m}": Case(resized(m, DOWN)) for m in METHODS},
    **{f"resize_down_aliased_{m}": Case(resized(m, DOWN, antialias=False)) for m in METHODS},
    "resize_up_area": Case(resized("area", UP), ops={"Resize": 1}),
    "resize_up_pytorch": Case(resized("cubic-pytorch", UP, antialias=False), ops={"Resize": 1}),
    "resize_uneven": Case(resized("linear", (2, 13, 5, 4), antialias=False), ops={"Resize": 1, "MatMul": 0}),
    "resize_half": Case(lambda x: resized("linear", UP)(x.astype(jnp.float16)), tolerance=2e-3, ops={"Resize": 1}),
    "resize_volume": Case(lambda x: jax.image.resize(x, (2, 10, 12, 7, 4), "linear"), VOLUME),
    "resize_uneven_cubic": Case(resized("cubic", (2, 4, 19, 4))),
    "resize_uneven_nearest": Case(resized("nearest", (2, 13, 5, 4))),
    "resize_channels": Case(resized("linear", (2, 9, 8, 7))),
    "resize_same": Case(resized("linear", (2, 9, 8, 4))),
    "resize_by_translation": Case(
        lambda x: jax.image.scale_and_translate(
            x, (2, 12, 12, 4), (1, 2), jnp.array([1.5, 1.2]), jnp.array([0.5, 1.0]), "linear"
        )
    ),
    "map_coordinates": Case(
        lambda x: jax.scipy.ndimage.map_coordinates(x[0, :, :, 0], jnp.array([[0.5, 2.2], [1.1, 3.0]]), order=1)
    ),
    **{
        f"pad_{mode}": Case(lambda x, mode=mode: conv(jnp.pad(x, ((0, 0), (1, 2), (2, 0), (0, 0)), mode)))
        for mode in ("constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "mean")
    },
    "pad_channels": Case(lambda x: conv(jnp.pad(x, ((0, 0), (0, 0), (0, 0), (2, 3))))),
    "pad_value": Case(lambda x: conv(jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=2.5))),
    "pad_inside": Case(lambda x: lax.pad(x, 0.0, ((0, 0, 0), (1, 0, 1), (-1, 2, 2), (0, 0, 0))), refused=True),
    "pad_with_value": Case(
        lambda x: lax.pad(x, x[0, 0, 0, 0], ((0, 0, 0), (1, 0, 0), (0, 2, 0), (0,) * 3)), refused=True
    ),
    **{name: Case(function, refused=name in REFUSED) for name, function in SHAPES.items()},
}
