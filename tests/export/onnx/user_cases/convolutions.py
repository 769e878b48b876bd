"""nn.Conv, nn.ConvTranspose and nn.ConvLocal in all their arguments, and lax.conv_general_dilated."""

import flax.linen as nn
import jax.numpy as jnp
from export.onnx.user_cases.networks import Case
from jax import lax

LINE, VOLUME = (2, 13, 4), (2, 5, 6, 7, 4)


def conv(*args, **settings):
    return lambda x: nn.Conv(*args, **settings)(x)


def transposed(*args, **settings):
    return lambda x: nn.ConvTranspose(*args, **settings)(x)


class Kernel(nn.Module):
    """A kernel for lax.conv_general_dilated."""

    shape: tuple[int, ...]

    @nn.compact
    def __call__(self):
        return self.param("kernel", nn.initializers.normal(), self.shape)


def raw(shape, strides=(1, 1), padding="SAME", **settings):
    def call(x):
        numbers = settings.get("dimension_numbers", ("NHWC", "HWIO", "NHWC"))
        return lax.conv_general_dilated(
            x, Kernel(shape)(), strides, padding, **{**settings, "dimension_numbers": numbers}
        )

    return call


CASES = {
    "same": Case(conv(6, (3, 3)), ops={"Conv": 1, "Transpose": 2}),
    "even_same": Case(conv(6, (4, 2))),
    "same_stride": Case(conv(6, (3, 3), strides=(2, 3))),
    "stride_as_number": Case(conv(6, (3, 3), strides=2)),
    "one_by_one_stride": Case(conv(6, (1, 1), strides=2)),
    "valid": Case(conv(6, (3, 2), padding="VALID")),
    "circular": Case(conv(6, (3, 3), padding="CIRCULAR")),
    "circular_dilated_stride": Case(conv(6, (3, 3), strides=2, kernel_dilation=2, padding="CIRCULAR")),
    "reflect": Case(conv(6, (3, 5), padding="REFLECT")),
    "causal": Case(conv(6, (3,), padding="CAUSAL"), LINE),
    "pad_number": Case(conv(6, (3, 3), padding=2)),
    "pad_numbers": Case(conv(6, (3, 3), padding=(2, 1))),
    "pad_asymmetric": Case(conv(6, (3, 3), padding=((0, 2), (3, 1)))),
    "pad_negative": Case(conv(6, (3, 3), padding=((-1, 2), (1, -2)))),
    "pad_larger_than_kernel": Case(conv(6, (2, 2), padding=((4, 4), (3, 5)))),
    "dilated": Case(conv(6, (3, 3), kernel_dilation=2)),
    "dilated_unevenly": Case(conv(6, (3, 2), kernel_dilation=(1, 3), strides=(2, 1))),
    "image_dilated": Case(conv(6, (3, 3), input_dilation=2, padding=1)),
    "image_dilated_stride": Case(conv(6, (3, 3), input_dilation=(2, 3), strides=(3, 2), padding=0)),
    "image_dilated_groups": Case(conv(6, (3, 3), input_dilation=2, padding=1, feature_group_count=2)),
    "image_dilated_pad": Case(conv(6, (3, 3), input_dilation=2, padding=((5, 0), (-1, 4)))),
    "grouped": Case(conv(6, (3, 3), feature_group_count=2)),
    "depthwise": Case(conv(4, (3, 3), feature_group_count=4), ops={"Conv": 1, "Transpose": 2}),
    "depthwise_multiplier": Case(conv(12, (3, 3), feature_group_count=4)),
    "no_bias": Case(conv(6, (3, 3), use_bias=False)),
    "masked": Case(
        lambda x: nn.Conv(6, (3, 3), mask=jnp.tril(jnp.ones((3, 3)))[:, :, None, None] * jnp.ones((4, 6)))(x)
    ),
    "line": Case(conv(6, (3,)), LINE),
    "line_stride": Case(conv(6, (4,), strides=3, feature_group_count=2), LINE),
    "volume": Case(conv(6, (3, 2, 3), strides=(1, 2, 1)), VOLUME),
    "volume_circular": Case(conv(6, (3, 3, 3), padding="CIRCULAR"), VOLUME),
    "two_batch_axes": Case(conv(6, (3, 3)), (2, 3, 6, 5, 4)),
    "no_batch": Case(conv(6, (3, 3)), (6, 5, 4)),
    "local": Case(lambda x: nn.ConvLocal(5, (3, 3))(x)),
    "local_stride": Case(lambda x: nn.ConvLocal(5, (3, 2), strides=2, padding="VALID")(x)),
    "transposed": Case(transposed(6, (3, 3), strides=(2, 2)), ops={"ConvTranspose": 1, "Transpose": 2}),
    "transposed_4x4": Case(transposed(6, (4, 4), strides=(2, 2))),
    "transposed_even": Case(transposed(6, (2, 2), strides=(2, 2))),
    "transposed_valid": Case(transposed(6, (3, 2), strides=(2, 3), padding="VALID")),
    "transposed_pads": Case(transposed(6, (3, 3), strides=(2, 2), padding=((1, 2), (0, 3)))),
    "transposed_cut": Case(transposed(6, (3, 3), strides=(2, 2), padding=((-1, 0), (0, -2)))),
    "transposed_circular": Case(transposed(6, (4, 4), strides=(2, 2), padding="CIRCULAR")),
    "transposed_dilated": Case(transposed(6, (3, 3), strides=(2, 2), kernel_dilation=(2, 1))),
    "transposed_kernel": Case(transposed(6, (3, 3), strides=(2, 2), transpose_kernel=True)),
    "transposed_stride_1": Case(transposed(6, (3, 3))),
    "transposed_sparse": Case(transposed(6, (2, 2), strides=(4, 5))),
    "transposed_no_bias": Case(transposed(6, (3, 3), strides=(2, 1), use_bias=False)),
    "transposed_line": Case(transposed(6, (3,), strides=(2,)), LINE),
    "transposed_volume": Case(transposed(3, (3, 3, 3), strides=(2, 1, 2)), VOLUME),
    "raw_groups": Case(raw((3, 3, 2, 6), feature_group_count=2)),
    "raw_transposed_groups": Case(
        raw((3, 3, 2, 6), padding=((2, 1), (1, 2)), lhs_dilation=(2, 2), feature_group_count=2)
    ),
    "raw_transposed_dilated_groups": Case(
        raw((3, 3, 1, 8), padding=((2, 1), (4, 2)), lhs_dilation=(2, 3), rhs_dilation=(1, 2), feature_group_count=4)
    ),
    "raw_other_layouts": Case(raw((5, 4, 3, 3), dimension_numbers=("NHWC", "OIHW", "NCHW"))),
    "raw_channels_first": Case(raw((5, 9, 3, 3), dimension_numbers=("NCHW", "OIHW", "NCHW"))),
    "raw_odd_layout": Case(
        raw((3, 9, 3, 5), dimension_numbers=("WCHN", "HIWO", "CWNH")),
    ),
    "batch_groups": Case(raw((3, 3, 4, 6), batch_group_count=2), refused=True),
    "conv_of_two_values": Case(
        lambda x: lax.conv_general_dilated(
            x, x[:1, :3, :3, :].transpose(1, 2, 3, 0), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    ),
    "patches": Case(
        lambda x: lax.conv_general_dilated_patches(
            x, (3, 3), (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    ),
    "batch_norm_folded": Case(
        lambda x: nn.relu(nn.BatchNorm(use_running_average=True)(nn.Conv(6, (3, 3))(x))),
        ops={"Conv": 1, "Relu": 1, "Transpose": 2, "Mul": 0, "Add": 0, "BatchNormalization": 0},
    ),
    "batch_norm_folded_transposed": Case(
        lambda x: nn.BatchNorm(use_running_average=True)(nn.ConvTranspose(6, (3, 3), strides=(2, 2))(x)),
        ops={"ConvTranspose": 1, "Transpose": 2, "Mul": 0, "Add": 0, "BatchNormalization": 0},
    ),
    "batch_norm_folded_groups": Case(
        lambda x: nn.BatchNorm(use_running_average=True)(nn.Conv(6, (3, 3), feature_group_count=2)(x)),
        ops={"Conv": 1, "Mul": 0, "Add": 0},
    ),
}
