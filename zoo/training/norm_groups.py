"""Batch norm over groups of the batch, so that no device waits for the statistics of another.

Over the whole batch each layer needs the sums of all devices, forward and backward: a collective each time. Where a
group is on one device it needs none. This is "ghost batch norm" (Hoffer et al. 2017, arXiv:1705.08741); with the images
of a device as a group it is what torch's DistributedDataParallel computes without SyncBatchNorm.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from zoo.errors import ZooError
from zoo.runtime.mesh import split_over


def batch_norm_groups(size: int, images: int) -> AbstractContextManager:
    """Within this context a batch norm that trains normalises each group of `size` consecutive images by itself.

    `images` are those of a step, under pmap of a step and device: the first axis of the input has as many rows, or a
    multiple. The running statistics that a batch norm leaves have an axis more, the groups, before the channels:
    `join_groups` takes their means. 0 is the whole batch, over all devices, as without this context.

    Raises ZooError for a size that does not divide `images`, and a batch norm that cannot be split: of several axes,
    with a mask, or of an input whose first axis is not that of the images.
    """
    inside = False
    if not size:
        return nullcontext()
    if images % size:
        raise ZooError(f"bn_group is {size}: it must divide the {images} images of a step, under pmap of a device")

    def intercept(function: Callable, args: tuple, kwargs: dict[str, Any], context: nn.module.InterceptorContext):
        nonlocal inside
        module = context.module
        if inside or not isinstance(module, nn.BatchNorm) or not _trains(module, args, kwargs):
            return function(*args, **kwargs)
        _check_splits(module, images, *args, **kwargs)
        inside = True
        try:
            return _normalise_groups(module, images // size, args[0])
        finally:
            inside = False

    return nn.intercept_methods(intercept)


def join_groups(batch_stats: Any, before: Any) -> Any:
    """The running statistics after a step: the means over the groups, of all batch norms together.

    `before` are those before the step, which have no axis for the groups; what has none now either stays. The means are
    computed as one array, so that devices need a single collective for all layers.
    """
    leaves, structure = jax.tree.flatten(batch_stats)
    grouped = [index for index, old in enumerate(jax.tree.leaves(before)) if leaves[index].ndim > old.ndim]
    if not grouped:
        return batch_stats
    # Layers that were scanned have one more axis in front.
    rows = [jnp.moveaxis(leaves[index], -2, 0) for index in grouped]
    means = jnp.concatenate([row.reshape(len(row), -1) for row in rows], axis=1).mean(0)
    ends = np.cumsum([row[0].size for row in rows])
    for index, row, part in zip(grouped, rows, jnp.split(means, ends[:-1]), strict=True):
        leaves[index] = part.reshape(row.shape[1:])
    return jax.tree.unflatten(structure, leaves)


def _trains(module: nn.BatchNorm, args: tuple, kwargs: dict[str, Any]) -> bool:
    given = kwargs.get("use_running_average", args[1] if len(args) > 1 else None)
    in_inference = module.use_running_average if given is None else given
    return not in_inference and not module.is_initializing()


def _check_splits(module: nn.BatchNorm, images: int, x: jax.Array, *args: Any, mask: Any = None, **kwargs: Any) -> None:
    where = f"batch norm {'/'.join(module.path)}"
    axes = tuple(module.axis) if isinstance(module.axis, tuple | list) else (module.axis,)
    if mask is not None or len(axes) > 1 or axes[0] in (0, -x.ndim):
        raise ZooError(
            f"{where} cannot be computed in groups, as it has a mask, several feature axes, or features on its "
            "first axis: leave out --bn-group"
        )
    if x.shape[0] % images:
        raise ZooError(f"{where} has {x.shape[0]} rows, which are not those of {images} images: leave out --bn-group")


def _normalise_groups(module: nn.BatchNorm, groups: int, x: jax.Array) -> jax.Array:
    """The output of a batch norm that trains, of each part of x by itself; it keeps the statistics of each part."""
    # Where the batch is split over an axis of pmap, a group is on one device.
    alone = module.clone(use_running_average=False, axis_name=None, axis_index_groups=None, parent=None, name=None)
    variables = dict(module.variables)
    stats = variables.pop("batch_stats")
    # A module that is called for the second time has the statistics of each group.
    stats_axis = 0 if next(iter(stats.values())).ndim > 1 else None

    def normalise(stats: Any, x: jax.Array) -> Any:
        return alone.apply({**variables, "batch_stats": stats}, x, mutable=["batch_stats"])

    parts = x.reshape(groups, x.shape[0] // groups, *x.shape[1:])
    with split_over(None):
        y, updated = jax.vmap(normalise, in_axes=(stats_axis, 0))(stats, parts)
    for name, value in updated["batch_stats"].items():
        module.put_variable("batch_stats", name, value)
    return y.reshape(x.shape[0], *y.shape[2:])
