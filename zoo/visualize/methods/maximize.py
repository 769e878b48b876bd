"""Activation maximisation: images that activate a unit strongly (Erhan et al. 2009), with later regularisers.

Jitter, the Fourier basis and decorrelated colours are from Olah et al., "Feature Visualization" (Distill, 2017), blur
from Yosinski et al. (2015, arXiv:1506.06579), total variation from Mahendran and Vedaldi (2014, arXiv:1412.0035).
"""

import math
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
from zoo.runtime.limits import COUNT, ITERATIONS, PIXELS
from zoo.visualize.methods.jit_cache import jit_cached
from zoo.visualize.methods.named_layers import Units, check_units, layer_output, layer_shape, layer_shapes
from zoo.visualize.shown import png_of_tiles, shapes_text, stretched_to_colours

Bounds = tuple[ArrayLike, ArrayLike]
Regularization = tuple[float, int, float, float]  # learning rate, jitter, blur, total variation

# The square root of the covariance of ImageNet's colours (rows red, green, blue), from Olah et al.'s code, lucid:
# https://github.com/tensorflow/lucid/blob/master/lucid/optvis/param/color.py.
COLOUR_COVARIANCE_SQRT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)


class Basis(NamedTuple):
    """The parameters in which images of `image_shape` are optimised: pixels or frequencies, and the colour space."""

    image_shape: tuple[int, int, int]
    fourier: bool
    decorrelated: bool


@dataclass(frozen=True, eq=False, repr=False)
class Maximized:
    """`images` [units, height, width, channel], normalised, and `values` [units], the mean of each unit's map."""

    images: np.ndarray
    values: np.ndarray

    def __repr__(self) -> str:
        return shapes_text(self)

    def _repr_png_(self) -> bytes | None:
        """For notebooks: the first images, each stretched from black to white."""
        return png_of_tiles(self.images, stretched_to_colours)


def maximize(
    model: nn.Module,
    variables: Variables,
    layer: str,
    unit: Units,
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
    """For each unit of `layer`, an image that maximises the mean of the unit's map, found by Adam from noise.

    With the layer `LOGITS` the units are classes. `image_shape` is (height, width, channels), by default the model's
    own. `bounds` are the lowest and the highest value of a normalised image (black and white), numbers or one per
    channel. Each of the `steps` shifts the images cyclically by up to `jitter` pixels; the loss has `total_variation`
    times the mean absolute difference of neighbouring pixels; after the step a Gaussian of `blur` pixels is applied.

    `fourier` optimises frequencies instead of pixels, scaled by 1/frequency as in natural images. With it, and three
    channels, `decorrelate` optimises colours that are uncorrelated in natural images, unlike red, green and blue. All
    units are computed at once; memory grows with their number. Raises ZooError for an unknown layer or unit.
    """
    ITERATIONS.check(steps, "steps")
    COUNT.check(jitter, "jitter")
    PIXELS.check(blur, "blur")
    image_shape = image_shape or getattr(model, "image_shape", None)
    if image_shape is None:
        raise ZooError(f"{type(model).__name__} has no image_shape: give image_shape=(height, width, channels)")
    shapes = layer_shapes(model, variables, jax.ShapeDtypeStruct((1, *image_shape), jnp.float32))
    units = check_units(layer or "the output", layer_shape(model, shapes, layer)[-1], unit)
    low, high = bounds
    bounds = jnp.asarray(low, jnp.float32), jnp.asarray(high, jnp.float32)
    regularization = (learning_rate, jitter, blur, total_variation)

    key, noise_key = jax.random.split(key)
    basis = Basis(tuple(image_shape), fourier, fourier and decorrelate and image_shape[2] == 3)
    latent = _initial_noise(noise_key, len(units), basis)
    state = optax.adam(learning_rate).init(latent)
    static, variables = (model, layer, basis), jax.device_put(variables)
    for step_key in jax.random.split(key, steps):
        latent, state = jit_cached(_step, *static)(variables, units, bounds, regularization, latent, state, step_key)
    return Maximized(*jax.device_get(jit_cached(_images_and_values, *static)(variables, units, bounds, latent)))


def _step(
    model: nn.Module,
    layer: str,
    basis: Basis,
    variables: Variables,
    units: jax.Array,
    bounds: Bounds,
    regularization: Regularization,
    latent: jax.Array,
    state: Any,
    key: jax.Array,
) -> tuple[jax.Array, Any]:
    """One step of Adam, then the blur."""
    learning_rate, jitter, blur, total_variation = regularization

    def loss(latent: jax.Array) -> jax.Array:
        images = _to_images(latent, basis, bounds)
        shift = jax.random.randint(key, (2,), -jitter, jitter + 1)
        activation = _mean_activation(model, layer, variables, units, jnp.roll(images, shift, axis=(1, 2)))
        return (total_variation * _mean_difference(images) - activation).sum()

    update, state = optax.adam(learning_rate).update(jax.grad(loss)(latent), state)
    latent = optax.apply_updates(latent, update)
    return _blurred(latent, basis, blur), state


def _images_and_values(
    model: nn.Module,
    layer: str,
    basis: Basis,
    variables: Variables,
    units: jax.Array,
    bounds: Bounds,
    latent: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """The images [units, height, width, channel], and the mean activation [units] of each one's unit."""
    images = _to_images(latent, basis, bounds)
    return images, _mean_activation(model, layer, variables, units, images)


def _mean_activation(
    model: nn.Module, layer: str, variables: Variables, units: jax.Array, images: jax.Array
) -> jax.Array:
    """[units]: for each image, the mean of its unit's map."""
    output = layer_output(model, layer, variables, images).astype(jnp.float32)
    means = output.reshape(len(units), -1, output.shape[-1]).mean(axis=1)
    return jnp.take_along_axis(means, units[:, None], axis=1)[:, 0]


def _mean_difference(images: jax.Array) -> jax.Array:
    """[units]: the mean absolute difference of vertical and of horizontal neighbours, added."""
    rows, columns = (jnp.abs(jnp.diff(images, axis=axis)).mean(axis=(1, 2, 3)) for axis in (1, 2))
    return rows + columns


# The latent array is unbounded: pixels, or the real and imaginary parts of frequencies.


def _initial_noise(key: jax.Array, number: int, basis: Basis) -> jax.Array:
    height, width, channels = basis.image_shape
    shape = (2, number, height, width // 2 + 1, channels) if basis.fourier else (number, height, width, channels)
    return 0.01 * jax.random.normal(key, shape)


def _to_images(latent: jax.Array, basis: Basis, bounds: Bounds) -> jax.Array:
    """The images of the latent array, within their bounds."""
    if basis.fourier:
        height, width, _ = basis.image_shape
        scale = math.sqrt(height * width) / jnp.maximum(_frequencies(basis.image_shape), 1 / max(height, width))
        latent = jnp.fft.irfft2(jax.lax.complex(*latent) * scale / 4, s=(height, width), axes=(1, 2))
    if basis.decorrelated:
        latent = latent @ (COLOUR_COVARIANCE_SQRT / np.linalg.norm(COLOUR_COVARIANCE_SQRT, axis=0).max()).T
    low, high = map(jnp.asarray, bounds)
    return low + (high - low) * jax.nn.sigmoid(latent)


def _blurred(latent: jax.Array, basis: Basis, blur: ArrayLike) -> jax.Array:
    """The latent array convolved with a Gaussian of standard deviation `blur` in pixels, with cyclic borders."""
    response = jnp.exp(-2 * jnp.square(jnp.pi * blur * _frequencies(basis.image_shape)))
    if basis.fourier:
        return latent * response
    return jnp.fft.irfft2(jnp.fft.rfft2(latent, axes=(1, 2)) * response, s=basis.image_shape[:2], axes=(1, 2))


def _frequencies(image_shape: tuple[int, int, int]) -> jax.Array:
    """[height, width // 2 + 1, 1], in periods per pixel."""
    height, width, _ = image_shape
    return jnp.hypot(jnp.fft.fftfreq(height)[:, None], jnp.fft.rfftfreq(width))[..., None]
