"""Pictures that excite a unit as much as can be: Erhan et al. 2009, with the regularisers that later made them legible.

Jitter, the Fourier basis and decorrelated colours are those of Olah et al., "Feature Visualization" (Distill, 2017);
blur is Yosinski et al.'s (2015, arXiv:1506.06579), total variation Mahendran and Vedaldi's (2014, arXiv:1412.0035).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from zoo.errors import ZooError
from zoo.models.variables import Variables
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.methods.named_layers import check_units, layer_output, layer_shape, layer_shapes

Bounds = tuple[ArrayLike, ArrayLike]
How = tuple[float, int, float, float]  # learning rate, jitter, blur, total variation

# The square root of the covariance of ImageNet's colours (rows red, green, blue), as Olah et al.'s code, lucid, has it:
# https://github.com/tensorflow/lucid/blob/master/lucid/optvis/param/color.py.
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)


class Basis(NamedTuple):
    """What images of that shape are climbed in."""

    image_shape: tuple[int, int, int]
    fourier: bool
    decorrelated: bool


@dataclass(frozen=True, eq=False)
class Maximized:
    """`images` [units, height, width, channel], in the units of normalised images, and how far they excite their unit:
    `values` [units], the mean of its map."""

    images: np.ndarray
    values: np.ndarray


def maximize(
    model: nn.Module,
    variables: Variables,
    layer: str,
    unit: int | Sequence[int],
    key: jax.Array,
    *,
    image_shape: tuple[int, int, int] | None = None,
    bounds: Bounds = (-2.0, 2.0),
    steps: int = 256,
    learning_rate: float = 0.05,
    jitter: int = 8,
    blur: float = 0.0,
    total_variation: float = 0.0,
    fourier: bool = True,
    decorrelate: bool = True,
) -> Maximized:
    """For each unit of `layer`, a class where that is `LOGITS`, an image found by climbing its mean from noise.

    `image_shape` (height, width, channels) is the model's own unless given, `bounds` the lowest and the highest value
    of a normalised image (what the preprocessing makes of black and white), a number or one a channel. Adam takes
    `steps`; at each the image is shifted round by up to `jitter` pixels, `total_variation` times its mean difference
    between neighbours is taken off, and it is blurred by a Gaussian of `blur` pixels. `fourier` climbs in the
    frequencies, scaled as in natural images by one over theirs, else in the pixels; with it `decorrelate` climbs, where
    there are three channels, in colours that are uncorrelated in natural images, unlike red, green and blue. All
    units at once: memory grows with them. Raises ZooError where there is no such layer or unit.
    """
    if steps < 1 or jitter < 0 or blur < 0:
        raise ZooError(f"steps is {steps}, jitter {jitter}, blur {blur}: one step at least, and nothing below 0")
    image_shape = image_shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise ZooError(f"{type(model).__name__} does not say its image size; pass image_shape=(h, w, channels)")
    shapes = layer_shapes(model, variables, jax.ShapeDtypeStruct((1, *image_shape), jnp.float32))
    units = check_units(layer or "the output", layer_shape(model, shapes, layer)[-1], unit)
    bounds = tuple(jnp.asarray(bound, jnp.float32) for bound in bounds)
    how = (learning_rate, jitter, blur, total_variation)

    key, first = jax.random.split(key)
    basis = Basis(tuple(image_shape), fourier, fourier and decorrelate and image_shape[2] == 3)
    latent = _noise(first, len(units), basis)
    state = optax.adam(learning_rate).init(latent)
    static, variables = (model, layer, basis), jax.device_put(variables)
    for one in jax.random.split(key, steps):
        latent, state = jit_cached(_step, *static)(variables, units, bounds, how, latent, state, one)
    return Maximized(*jax.device_get(jit_cached(_shown, *static)(variables, units, bounds, latent)))


def _step(
    model: nn.Module,
    layer: str,
    basis: Basis,
    variables: Variables,
    units: jax.Array,
    bounds: Bounds,
    how: How,
    latent: jax.Array,
    state: Any,
    key: jax.Array,
) -> tuple[jax.Array, Any]:
    """One step of Adam, and the blur."""
    learning_rate, jitter, blur, total_variation = how

    def loss(latent: jax.Array) -> jax.Array:
        images = _images(latent, basis, bounds)
        shift = jax.random.randint(key, (2,), -jitter, jitter + 1)
        excited = _excitement(model, layer, variables, units, jnp.roll(images, shift, axis=(1, 2)))
        return (total_variation * _mean_difference(images) - excited).sum()

    update, state = optax.adam(learning_rate).update(jax.grad(loss)(latent), state)
    latent = optax.apply_updates(latent, update)
    return _blurred(latent, basis, blur), state


def _shown(
    model: nn.Module,
    layer: str,
    basis: Basis,
    variables: Variables,
    units: jax.Array,
    bounds: Bounds,
    latent: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """The images, and how far they excite their units."""
    images = _images(latent, basis, bounds)
    return images, _excitement(model, layer, variables, units, images)


def _excitement(model: nn.Module, layer: str, variables: Variables, units: jax.Array, images: jax.Array) -> jax.Array:
    """The mean of each image's unit over its map."""
    output = layer_output(model, layer, variables, images).astype(jnp.float32)
    means = output.reshape(len(units), -1, output.shape[-1]).mean(axis=1)
    return jnp.take_along_axis(means, units[:, None], axis=1)[:, 0]


def _mean_difference(images: jax.Array) -> jax.Array:
    """Between neighbours, down and to the right, of each image."""
    return sum(jnp.abs(jnp.diff(images, axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2))


# What is climbed in: without bounds, as pixels or as the real and imaginary parts of their frequencies.


def _noise(key: jax.Array, number: int, basis: Basis) -> jax.Array:
    height, width, channels = basis.image_shape
    shape = (2, number, height, width // 2 + 1, channels) if basis.fourier else (number, height, width, channels)
    return 0.01 * jax.random.normal(key, shape)


def _images(latent: jax.Array, basis: Basis, bounds: Bounds) -> jax.Array:
    """The images within their bounds."""
    if basis.fourier:
        height, width, _ = basis.image_shape
        scale = math.sqrt(height * width) / jnp.maximum(_frequencies(basis.image_shape), 1 / max(height, width))
        latent = jnp.fft.irfft2(jax.lax.complex(*latent) * scale / 4, s=(height, width), axes=(1, 2))
    if basis.decorrelated:
        latent = latent @ (COLOURS / np.linalg.norm(COLOURS, axis=0).max()).T
    low, high = bounds
    return low + (high - low) * jax.nn.sigmoid(latent)


def _blurred(latent: jax.Array, basis: Basis, blur: jax.Array) -> jax.Array:
    """Convolved with a Gaussian of that standard deviation in pixels; beyond a border lies the opposite one."""
    response = jnp.exp(-2 * jnp.square(jnp.pi * blur * _frequencies(basis.image_shape)))
    if basis.fourier:
        return latent * response
    return jnp.fft.irfft2(jnp.fft.rfft2(latent, axes=(1, 2)) * response, s=basis.image_shape[:2], axes=(1, 2))


def _frequencies(image_shape: tuple[int, int, int]) -> jax.Array:
    """[height, width // 2 + 1, 1], in periods a pixel."""
    height, width, _ = image_shape
    return jnp.hypot(jnp.fft.fftfreq(height)[:, None], jnp.fft.rfftfreq(width))[..., None]
