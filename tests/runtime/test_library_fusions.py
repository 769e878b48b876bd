"""Our compiler options give products and reductions to YNNPACK: its values against float64.

jaxlib 0.10.2 computes some of them wrongly (jax issue 39103): a product whose left factor has two or three rows and
three columns, whose right factor has more than 32,768 rows, and which is summed over the small axis. Here all layers
that multiply run on so many pixels of three channels, and on few, followed by sums over all axes.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from plain_layers import assert_close, random

import zoo
from zoo import layers

PIXELS = 33_000
# The shapes of the images: many pixels of three channels in one image, in many, and few pixels.
IMAGES = {"one image": (1, 300, 110, 3), "many images": (3_300, 5, 2, 3), "few pixels": (3, 4, 5, 3)}
REDUCED = ((-1,), (1, 2), (0, 1, 2), None)


def sums(y):
    """Sums of squares and maxima of an array, over channels, pixels, images, all."""
    return [(y * y).sum(axes) for axes in REDUCED] + [y.max(axes) for axes in REDUCED]


def forward_and_backward(layer, x, kernel, weights):
    """`layer` reduced in all ways, and the gradients of its weighted sum of squares, reduced too."""
    y, pullback = jax.vjp(layer, x, kernel)
    of_x, of_kernel = pullback(2 * weights * y)
    return [*sums(y), *sums(of_x), of_kernel, (of_kernel**2).sum()]


def expected(x, kernel, weights):
    """The same of the plain matrix product, by NumPy in float64."""
    x, kernel, weights = (array.astype(np.float64) for array in (x, kernel, weights))
    y = x @ kernel
    gradient = 2 * weights * y
    of_kernel = x.reshape(-1, x.shape[-1]).T @ gradient.reshape(-1, gradient.shape[-1])
    return [*sums(y), *sums(gradient @ kernel.T), of_kernel, (of_kernel**2).sum()]


# Layers that are one matrix product of the channels, from x [b, h, w, c] and a kernel [c, features].
PRODUCTS = {
    "pointwise convolution": lambda x, kernel: layers.conv(x, kernel[None, None]),
    "dense layer": lambda x, kernel: x @ kernel,
    "product for each pixel": lambda x, kernel: jax.vmap(lambda row: row @ kernel)(x.reshape(-1, x.shape[-1])).reshape(
        *x.shape[:3], -1
    ),
}
OPTIONS = {"ours": zoo.compiler_options("cpu"), "none": {}}


def quick(name, image, features):
    return name == "pointwise convolution" and (image, features) in (("one image", 3), ("many images", 2))


@pytest.mark.parametrize(
    ("name", "image", "features"),
    [
        pytest.param(name, image, features, marks=[] if quick(name, image, features) else [pytest.mark.slow])
        for name in PRODUCTS
        for image in IMAGES
        for features in (1, 2, 3, 8)
    ],
)
@pytest.mark.parametrize("options", [pytest.param("ours"), pytest.param("none", marks=pytest.mark.slow)])
def test_products_and_reductions_are_those_of_float64(name, image, features, options):
    x, kernel = random(*IMAGES[image]), random(3, features, seed=1)
    weights = random(*x.shape[:3], features, seed=2)
    run = jax.jit(partial(forward_and_backward, PRODUCTS[name]), compiler_options=OPTIONS[options])
    for ours, reference in zip(run(x, kernel, weights), expected(x, kernel, weights), strict=True):
        assert_close(ours, reference, rtol=1e-4)


# Layers that are no single product, of an image and a kernel [3, 3, 3, 3].
OTHERS = {
    "dense convolution": lambda x, kernel: layers.conv(x, kernel, padding=1),
    "depthwise convolution": lambda x, kernel: layers.conv(x, kernel[:, :, :1], padding=1, groups=3),
    "adaptive_avg_pool": lambda x, kernel: layers.adaptive_avg_pool(x, 2) * kernel[0, 0, 0],
    "adaptive_avg_pool to columns": lambda x, kernel: layers.adaptive_avg_pool(x, (1, 3)) * kernel[0, 0, 0],
    "classifier": lambda x, kernel: jax.nn.log_softmax(x @ kernel[0, 0]),
    "head": lambda x, kernel: layers.global_avg_pool(x) @ kernel[0, 0],
}


@pytest.mark.slow
@pytest.mark.parametrize("image", [*IMAGES.values(), (PIXELS, 1, 1, 3), (1, 3, PIXELS, 3)], ids=str)
@pytest.mark.parametrize("name", OTHERS)
def test_other_layers_are_those_of_float64(name, image):
    x, kernel = random(*image), random(3, 3, 3, 3, seed=1)

    def run(x, kernel):
        y, pullback = jax.vjp(OTHERS[name], x, kernel)
        of_x, of_kernel = pullback(y)
        reduced = [(a * a).sum(axes) for a in (y, of_x) for axes in ((-1,), (0,), None)]
        return [*reduced, (of_kernel**2).sum()]

    ours = jax.jit(run, compiler_options=OPTIONS["ours"])(x, kernel)
    with jax.enable_x64(True):
        plain = jax.jit(run, compiler_options={"xla_cpu_experimental_ynn_fusion_type": ""})
        reference = plain(x.astype(np.float64), kernel.astype(np.float64))
    for one, other in zip(ours, reference, strict=True):
        assert_close(one, np.asarray(other), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("lenet5", 32), ("squeezenet1_1", 64), ("mobilenet_v3_small", 64)])
def test_logits_and_gradients_of_networks_are_those_of_float64(name, size):
    """With our options, with the default ones, and in float64 without YNNPACK: the same to rounding."""
    channels = 1 if name == "lenet5" else 3
    model = zoo.create_model(name, num_classes=3, image_shape=(size, size, channels))
    variables, x = zoo.init(model, jax.random.key(0)), random(4, size, size, channels)

    def run(model, variables, x):
        def loss(params):
            logits = model.apply({**variables, "params": params}, x)
            return jax.nn.log_softmax(logits)[:, 0].mean(), logits

        gradients, logits = jax.grad(loss, has_aux=True)(variables["params"])
        norm = jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(gradients)))
        return logits, gradients, norm

    found = [jax.jit(partial(run, model), compiler_options=options)(variables, x) for options in OPTIONS.values()]
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda a: np.asarray(a, np.float64), variables)
        plain = jax.jit(
            partial(run, model.clone(dtype=jnp.float64)),
            compiler_options={"xla_cpu_experimental_ynn_fusion_type": ""},
        )
        reference = jax.tree.leaves(plain(wide, x.astype(np.float64)))
    for of_options in found:
        for ours, exact in zip(jax.tree.leaves(of_options), reference, strict=True):
            assert_close(ours, np.asarray(exact), rtol=1e-3)
