"""Dense layers and normalisations of flax.linen, and those that users write."""

import flax.linen as nn
import jax.numpy as jnp
from export.onnx.user_cases.networks import Case
from jax import lax

ROWS, IMAGE, VOLUME = (3, 5), (2, 7, 6, 8), (2, 3, 4, 5, 6)


def layer(cls, *args, **settings):
    return lambda x: cls(*args, **settings)(x)


def after_conv(cls, *args, **settings):
    return lambda x: nn.relu(cls(*args, **settings)(nn.Conv(8, (3, 3))(x)))


def batch_norm(**settings):
    return layer(nn.BatchNorm, use_running_average=True, **settings)


def weight_norm(inner, **settings):
    return lambda x: nn.WeightNorm(inner(), **settings)(x)


def spectral_norm(inner):
    return lambda x: nn.SpectralNorm(inner())(x, update_stats=False)


def of_the_batch(x):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * lax.rsqrt(variance + 1e-5)


def hand_written_layer_norm(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * 1.5 + 0.5


def hand_written_group_norm(x):
    b, h, w, c = x.shape
    grouped = x.reshape(b, h, w, 4, c // 4)
    mean, variance = grouped.mean((1, 2, 4), keepdims=True), grouped.var((1, 2, 4), keepdims=True)
    return ((grouped - mean) * lax.rsqrt(variance + 1e-5)).reshape(x.shape)


def global_response_norm(x):
    size = jnp.sqrt((x**2).sum((1, 2), keepdims=True))
    return x * (size / (size.mean(-1, keepdims=True) + 1e-6)) + x


def standardized(x):
    kernel = StandardizedKernel()()
    return lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


class StandardizedKernel(nn.Module):
    @nn.compact
    def __call__(self):
        kernel = self.param("kernel", nn.initializers.normal(), (3, 3, 8, 6))
        return (kernel - kernel.mean((0, 1, 2))) / (kernel.std((0, 1, 2)) + 1e-5)


ONE_NORM = {"LayerNormalization": 1, "ReduceMean": 0, "Mul": 0, "Add": 0}
ONE_GROUP_NORM = {"GroupNormalization": 1, "ReduceMean": 0}
CASES = {
    "dense": Case(layer(nn.Dense, 7), ROWS, ops={"Gemm": 1}),
    "dense_no_bias": Case(layer(nn.Dense, 7, use_bias=False), ROWS),
    "dense_1_axis": Case(layer(nn.Dense, 7), (5,)),
    "dense_3_axes": Case(layer(nn.Dense, 7), (2, 3, 5), ops={"MatMul": 1, "Add": 1, "Transpose": 0}),
    "dense_4_axes": Case(layer(nn.Dense, 7), IMAGE),
    "dense_5_axes": Case(layer(nn.Dense, 7), VOLUME),
    "dense_chain": Case(nn.Sequential([nn.Dense(9), nn.relu, nn.Dense(1), jnp.squeeze]), ROWS),
    "dense_general_out_2": Case(layer(nn.DenseGeneral, (3, 4)), (2, 6, 5)),
    "dense_general_in_2": Case(layer(nn.DenseGeneral, 5, axis=(-2, -1)), IMAGE),
    "dense_general_in_3_out_2": Case(layer(nn.DenseGeneral, (5, 2), axis=(1, 2, 3)), IMAGE),
    "dense_general_in_1_and_3": Case(layer(nn.DenseGeneral, 5, axis=(1, 3)), IMAGE),
    "dense_general_out_of_order": Case(layer(nn.DenseGeneral, 5, axis=(3, 1)), IMAGE),
    "dense_general_first": Case(layer(nn.DenseGeneral, 5, axis=1), IMAGE),
    "dense_general_batch": Case(layer(nn.DenseGeneral, 5, axis=-1, batch_dims=(0,)), (2, 3, 4)),
    "dense_general_batch_2": Case(layer(nn.DenseGeneral, 5, axis=-1, batch_dims=(0, 1)), (2, 3, 4, 6)),
    "einsum": Case(layer(nn.Einsum, (5, 3, 7), "abc,cde->abde"), (2, 4, 5)),
    "einsum_transposing": Case(layer(nn.Einsum, (8, 3), "abcd,de->aebc", use_bias=False), IMAGE),
    "einsum_inner": Case(layer(nn.Einsum, (7, 3), "abcd,be->aecd", use_bias=False), IMAGE),
    "einsum_batched": Case(layer(nn.Einsum, (6, 8, 3), "abcd,cde->abce", use_bias=False), IMAGE),
    "embed": Case(lambda x: nn.Embed(10, 6)(x), (2, 5), "int32"),
    "embed_then_attend": Case(lambda x: (lambda e: e.attend(e(x)))(nn.Embed(10, 6)), (2, 5), "int32"),
    "batch_norm": Case(batch_norm(), IMAGE),
    "batch_norm_rows": Case(batch_norm(), ROWS),
    "batch_norm_no_scale": Case(batch_norm(use_scale=False), IMAGE),
    "batch_norm_no_bias": Case(batch_norm(use_bias=False, epsilon=1e-3), IMAGE),
    "batch_norm_axis": Case(batch_norm(axis=1), IMAGE),
    "batch_norm_axes": Case(batch_norm(axis=(1, -1)), IMAGE),
    "batch_norm_of_the_batch": Case(of_the_batch, IMAGE),
    "layer_norm": Case(layer(nn.LayerNorm), (2, 5, 8), ops=ONE_NORM),
    "layer_norm_rows": Case(layer(nn.LayerNorm), ROWS, ops=ONE_NORM),
    "layer_norm_image": Case(layer(nn.LayerNorm), IMAGE),
    "layer_norm_slow_variance": Case(layer(nn.LayerNorm, use_fast_variance=False), (2, 5, 8), ops=ONE_NORM),
    "layer_norm_bare": Case(layer(nn.LayerNorm, use_bias=False, use_scale=False), (2, 5, 8)),
    "layer_norm_no_bias": Case(layer(nn.LayerNorm, use_bias=False), (2, 5, 8)),
    "layer_norm_no_scale": Case(layer(nn.LayerNorm, use_scale=False), (2, 5, 8)),
    "layer_norm_axes": Case(layer(nn.LayerNorm, reduction_axes=(1, 2, 3), feature_axes=(1, 2, 3)), IMAGE),
    "layer_norm_axes_features": Case(layer(nn.LayerNorm, reduction_axes=(-2, -1), feature_axes=-1), IMAGE),
    "layer_norm_axis_1": Case(layer(nn.LayerNorm, reduction_axes=1, feature_axes=1), IMAGE),
    "layer_norm_eps": Case(layer(nn.LayerNorm, epsilon=0.1), (2, 5, 8), ops=ONE_NORM),
    "layer_norm_after_conv": Case(after_conv(nn.LayerNorm), IMAGE),
    "layer_norm_by_hand": Case(hand_written_layer_norm, (2, 5, 8), ops={"LayerNormalization": 1}),
    "rms_norm": Case(layer(nn.RMSNorm), (2, 5, 8)),
    "rms_norm_no_scale": Case(layer(nn.RMSNorm, use_scale=False), IMAGE),
    "rms_norm_axes": Case(layer(nn.RMSNorm, reduction_axes=(1, 2), feature_axes=-1), IMAGE),
    "group_norm": Case(layer(nn.GroupNorm, 4), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_after_conv": Case(after_conv(nn.GroupNorm, 2), IMAGE, ops=ONE_GROUP_NORM | {"Transpose": 2}),
    "group_norm_size": Case(after_conv(nn.GroupNorm, None, group_size=2), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_one_group": Case(after_conv(nn.GroupNorm, 1), IMAGE),
    "group_norm_slow_variance": Case(after_conv(nn.GroupNorm, 4, use_fast_variance=False), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_bare": Case(after_conv(nn.GroupNorm, 4, use_bias=False, use_scale=False), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_no_bias": Case(after_conv(nn.GroupNorm, 4, use_bias=False), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_no_scale": Case(after_conv(nn.GroupNorm, 4, use_scale=False), IMAGE, ops=ONE_GROUP_NORM),
    "group_norm_line": Case(layer(nn.GroupNorm, 2), (2, 5, 8)),
    "group_norm_rows": Case(layer(nn.GroupNorm, 2), (3, 8)),
    "group_norm_volume": Case(layer(nn.GroupNorm, 2), VOLUME),
    "group_norm_axes": Case(layer(nn.GroupNorm, 2, reduction_axes=(-2, -1)), IMAGE),
    "group_norm_by_hand": Case(hand_written_group_norm, IMAGE),
    "instance_norm": Case(after_conv(nn.InstanceNorm), IMAGE),
    "instance_norm_bare": Case(layer(nn.InstanceNorm, use_bias=False, use_scale=False), IMAGE),
    "instance_norm_line": Case(layer(nn.InstanceNorm), (2, 5, 8)),
    "weight_norm": Case(weight_norm(lambda: nn.Conv(6, (3, 3))), IMAGE, ops={"Conv": 1, "Transpose": 2}),
    "weight_norm_dense": Case(weight_norm(lambda: nn.Dense(6), feature_axes=None), (2, 8)),
    "spectral_norm": Case(spectral_norm(lambda: nn.Conv(6, (3, 3))), IMAGE, ops={"Conv": 1, "Transpose": 2}),
    "spectral_norm_dense": Case(spectral_norm(lambda: nn.Dense(6)), (2, 8)),
    "weight_standardized": Case(standardized, IMAGE, ops={"Conv": 1, "Transpose": 2}),
    "global_response_norm": Case(global_response_norm, IMAGE),
    "dropout_at_inference": Case(lambda x: nn.Dropout(0.5)(nn.Dense(3)(x), deterministic=True), ROWS),
}
