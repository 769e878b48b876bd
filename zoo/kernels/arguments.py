"""Checks of what layers are given: images, kernels and groups. Each error is one line."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.errors import ZooError
from zoo.geometry import WindowTooLarge, pair


def as_images(x: Any, layer: str) -> jax.Array:
    """x as an array [batch, height, width, channel]. Raises ZooError, which names the layer, for all else."""
    if not isinstance(x, jax.Array | np.ndarray):
        raise ZooError(f"{layer} takes an array [batch, height, width, channel], not a {type(x).__name__}")
    if x.ndim != 4:
        raise ZooError(
            f"{layer} takes [batch, height, width, channel], not the shape {x.shape}: x[None] is a batch of one"
        )
    if 0 in x.shape[1:3]:
        raise WindowTooLarge(f"{layer} takes images of at least one pixel, not the shape {x.shape}")
    if not x.shape[3]:
        raise ZooError(f"{layer} takes images of at least one channel, not the shape {x.shape}")
    return as_floats(x, layer)


def as_kernel(kernel: Any, x: jax.Array, groups: int) -> jax.Array:
    """The kernel as an array. Raises ZooError where it is none of a convolution of x with so many groups."""
    if not isinstance(kernel, jax.Array | np.ndarray) or kernel.ndim != 4 or 0 in kernel.shape:
        raise ZooError(
            "a convolution takes a kernel [height, width, channels / groups, features], not "
            f"{getattr(kernel, 'shape', type(kernel).__name__)}"
        )
    check_groups(x.shape[-1], kernel.shape[-1], groups)
    if kernel.shape[2] * groups != x.shape[-1]:
        raise ZooError(
            f"a kernel {kernel.shape} is for {kernel.shape[2] * groups} channels in {groups} groups, not for "
            f"{x.shape[-1]}: its third axis is channels / groups"
        )
    return as_floats(kernel, "the kernel of a convolution")


def check_groups(channels: int, features: int, groups: int) -> None:
    """Raises ZooError if a convolution cannot have so many groups."""
    if pair(groups, "number of groups", least=1) != (groups, groups) or channels % groups or features % groups:
        raise ZooError(
            f"a convolution from {channels} channels to {features} features cannot have {groups} groups: "
            "use a number of groups that divides both"
        )


def as_floats(x: Any, layer: str) -> jax.Array:
    """x as an array of floating-point numbers. Raises ZooError for integers: pixels have to be scaled first."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ZooError(
            f"{layer} takes floating-point numbers, not {x.dtype}: convert them; pixels are normalised as in training, "
            "by zoo.data.Preprocessing"
        )
    return jnp.asarray(x)


def refuse_split(layer: str, arrays: str, split: Iterable[Any]) -> None:
    """Raises ZooError for a part of a sharding with a split axis. Types of arrays have only Explicit axes of meshes."""
    if any(axes is not None for axes in split):
        raise ZooError(
            f"{layer} cannot have {arrays} split over the Explicit axes of a mesh: split the batch alone, or make the "
            "mesh with axis_types=(jax.sharding.AxisType.Auto,)"
        )


def sum_dtype(x: jax.Array) -> jnp.dtype:
    """The dtype in which values of x are added: float32, or float64 where x is that."""
    return jnp.promote_types(x.dtype, jnp.float32)
