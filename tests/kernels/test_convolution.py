"""The forms of convolution for a CPU against XLA's: values and gradients in float64."""

import itertools
import re
from functools import cache, partial

import jax
import numpy as np
import pytest
from jax import lax
from one_program import in_one_program

from zoo import layers
from zoo.kernels.convolution import grouped_conv, patches_conv, pointwise_conv
from zoo.kernels.depthwise import depthwise_conv
from zoo.kernels.dilated_conv import conv_by_phases, dilated_conv
from zoo.runtime.mesh import batch_sharding, data_mesh, split_over

NUMBERS = ("NHWC", "HWIO", "NHWC")
CASES = [  # image, window, stride, padding
    ((7, 8), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((7, 8), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((8, 9), (3, 3), (2, 2), ((0, 1), (0, 1))),
    ((9, 9), (5, 5), (2, 2), ((2, 2), (1, 2))),
    ((9, 7), (5, 3), (3, 1), ((0, 0), (2, 0))),
    ((6, 6), (2, 2), (3, 3), ((0, 0), (0, 0))),
    ((5, 5), (1, 1), (2, 2), ((0, 0), (0, 0))),
    ((7, 7), (7, 7), (1, 1), ((3, 3), (3, 3))),
]


def xla_depthwise(x, kernel, stride, pads):
    """lax.conv_general_dilated with one group per channel."""
    return lax.conv_general_dilated(x, kernel, stride, pads, dimension_numbers=NUMBERS, feature_group_count=x.shape[-1])


def value_and_gradients(function, x, kernel, gradient):
    value, pullback = jax.vjp(function, x, kernel)
    return value, *pullback(gradient)


def xla_conv(stride, pads, groups=1, dilation=(1, 1)):
    return partial(
        lax.conv_general_dilated,
        window_strides=stride,
        padding=pads,
        rhs_dilation=dilation,
        dimension_numbers=NUMBERS,
        feature_group_count=groups,
    )


GROUPS = [(2, 3, 4), (3, 16, 48), (5, 8, 10), (2, 40, 6)]  # groups, channels per group, features in all
OF_SMALL_IMAGES = [
    ((1, 1), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((1, 2), (5, 5), (1, 1), ((2, 2), (2, 2))),
    ((2, 2), (3, 3), (2, 2), ((1, 1), (1, 1))),
    ((3, 2), (7, 7), (2, 2), ((3, 3), (3, 3))),
    ((2, 2), (3, 3), (1, 1), ((0, 1), (1, 0))),
    ((2, 9), (3, 1), (1, 2), ((2, 2), (0, 0))),
]

DILATED = [  # image, window, stride, padding, dilation
    ((7, 8), (3, 3), (1, 1), ((2, 2), (2, 2)), (2, 2)),
    ((9, 10), (3, 3), (2, 2), ((2, 2), (2, 2)), (2, 2)),
    ((8, 7), (3, 2), (4, 1), ((2, 1), (0, 3)), (2, 3)),
    ((7, 9), (3, 3), (1, 3), ((4, 4), (0, 1)), (4, 1)),
    # More phases than outputs.
    ((5, 6), (3, 3), (1, 1), ((4, 4), (4, 5)), (6, 5)),
]


def forms():
    """Of each form and case: ours, XLA's, and the shapes of the image and the kernel."""
    for case, grouping in zip(CASES, itertools.cycle(GROUPS), strict=False):
        (size, window, stride, pads), (groups, width, features) = case, grouping
        geometry = {"stride": stride, "pads": pads}
        ours, reference = (partial(conv, **geometry) for conv in (depthwise_conv, xla_depthwise))
        yield f"depthwise-{case}", ours, reference, (2, *size, 5), (*window, 1, 5)
        ours, reference = partial(grouped_conv, groups=groups, **geometry), xla_conv(**geometry, groups=groups)
        shapes = (2, *size, groups * width), (*window, width, features)
        yield f"grouped-{case}-{grouping}", ours, reference, *shapes
    for stride in ((1, 1), (2, 2), (1, 3)):
        ours, reference = partial(pointwise_conv, stride=stride), xla_conv(stride, "VALID")
        yield f"pointwise-{stride}", ours, reference, (2, 7, 8, 3), (1, 1, 3, 5)
    for case in CASES + OF_SMALL_IMAGES:
        size, window, stride, pads = case
        ours, reference = partial(patches_conv, stride=stride, pads=pads), xla_conv(stride, pads)
        yield f"patches-{case}", ours, reference, (2, *size, 3), (*window, 3, 4)
    for case in DILATED:
        size, window, *rest = case
        geometry = dict(zip(("stride", "pads", "dilation"), rest, strict=True))
        for form in (dilated_conv, conv_by_phases):
            ours, reference = partial(form, **geometry, groups=2), xla_conv(**geometry, groups=2)
            yield f"{form.__name__}-{case}", ours, reference, (2, *size, 4), (*window, 2, 6)


FORMS = {name: case for name, *case in forms()}


@cache
def values_and_gradients():
    """Of each form: ours and XLA's."""
    found, expected = {}, {}
    for name, (ours, reference, *shapes) in FORMS.items():
        rng = np.random.default_rng(0)
        arrays = [rng.normal(size=shape) for shape in shapes]
        gradient = rng.normal(size=jax.eval_shape(reference, *arrays).shape)
        found[name] = (partial(value_and_gradients, ours), *arrays, gradient)
        expected[name] = (partial(value_and_gradients, reference), *arrays, gradient)
    with jax.enable_x64(True):
        return in_one_program(found), in_one_program(expected)


@pytest.mark.parametrize("form", FORMS)
def test_values_and_gradients_are_those_of_xla(form):
    found, expected = values_and_gradients()
    for one, other in zip(found[form], expected[form], strict=True):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("size", "kernel", "groups"), [((2, 2), (3, 3, 8, 8), 1), ((8, 8), (3, 3, 4, 64), 16), ((1, 1), (5, 5, 8, 8), 1)]
)
def test_a_cpu_gets_no_slow_convolution_of_xla(size, kernel, groups):
    def loss(x, kernel):
        return layers.conv(x, kernel, padding=kernel.shape[0] // 2, groups=groups).sum()

    x = np.ones((2, *size, kernel[2] * groups), np.float32)
    text = jax.jit(jax.grad(loss, argnums=(0, 1))).lower(x, np.ones(kernel, np.float32)).as_text()
    found = re.findall(r"feature_group_count = (\d+)", text)
    assert all(count == "1" for count in found) and bool(found) == (groups > 1)


def test_a_dilated_convolution_has_as_many_operations_at_any_dilation():
    def operations(dilation):
        geometry = {"stride": (1, 1), "pads": ((dilation, dilation),) * 2, "dilation": (dilation, dilation)}
        x, kernel = np.ones((1, 33, 33, 1)), np.ones((3, 3, 1, 1))
        return len(jax.make_jaxpr(partial(conv_by_phases, **geometry, groups=1))(x, kernel).eqns)

    assert operations(24) == operations(2)


def test_a_kernel_of_one_position_has_no_dilation():
    """So that it has the form of a matrix product."""
    text = jax.jit(partial(layers.conv, dilation=2)).lower(np.ones((2, 5, 5, 8)), np.ones((1, 1, 8, 4))).as_text()
    assert "dot_general" in text and "convolution" not in text


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dtypes_are_kept_and_sums_are_float32(dtype):
    kernel = np.ones((7, 7, 1, 2))
    kernel[0, 0] = 256  # bfloat16 has no 257: a sum in bfloat16 would stay at 256
    x, kernel = np.ones((1, 7, 7, 2), dtype), kernel.astype(dtype)
    expected = np.full((1, 1, 1, 2), 256 + 48, dtype)
    conv = partial(depthwise_conv, stride=(1, 1), pads=((0, 0), (0, 0)))
    y, x_gradient, kernel_gradient = jax.jit(partial(value_and_gradients, conv))(x, kernel, expected)
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == x_gradient.dtype == kernel_gradient.dtype == dtype


def test_the_layer_uses_the_depthwise_form_on_a_cpu_and_works_under_vmap_and_remat():
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 8, 4)).astype(np.float32)
    kernel = np.random.default_rng(1).normal(size=(3, 3, 1, 4)).astype(np.float32)

    def loss(kernel, x):
        return (layers.conv(x, kernel, padding=1, groups=4) ** 2).sum()

    def expected(kernel, x):
        return (xla_depthwise(x, kernel, (1, 1), ((1, 1), (1, 1))) ** 2).sum()

    ours = jax.jit(jax.vmap(jax.grad(jax.checkpoint(loss)), in_axes=(None, 0)))(kernel, x)
    reference = jax.jit(jax.vmap(jax.grad(expected), in_axes=(None, 0)))(kernel, x)
    np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-4)
    text = jax.jit(jax.grad(loss)).lower(kernel, x[0]).as_text()
    assert "convolution" not in text


@pytest.mark.parametrize("fsdp", [False, True])
def test_the_gradient_of_a_grouped_kernel_gathers_no_images(fsdp):
    """Of a dilated one: it has no form for CPUs, so that it is computed as on GPUs and TPUs."""
    random = np.random.default_rng(0)
    x, kernel = (random.normal(size=size).astype(np.float32) for size in ((8, 6, 6, 4), (3, 3, 2, 6)))
    mesh = data_mesh(len(x), fsdp=fsdp)

    def gradient(kernel, x):
        return jax.grad(lambda kernel: (layers.conv(x, kernel, padding=2, dilation=2, groups=2) ** 2).sum())(kernel)

    def gradient_on_devices(kernel, x):
        with split_over(mesh):
            return gradient(kernel, x)

    split = jax.device_put(x, batch_sharding(mesh))
    program = jax.jit(gradient_on_devices).lower(kernel, split).compile()
    assert "all-gather" not in program.as_text()
    np.testing.assert_allclose(program(kernel, split), jax.jit(gradient)(kernel, x), rtol=1e-4)
