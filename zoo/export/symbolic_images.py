"""The shapes of images in `jax.export`, with variables for what is free."""

from collections.abc import Iterator, Sequence
from typing import Any

from jax import export

from zoo.errors import ZooError
from zoo.export.exportable import Exportable
from zoo.export.options import SIZE_STEP, ExportOptions
from zoo.models.variables import smallest_image_size


def possible_shapes(network: Exportable, options: ExportOptions) -> Iterator[tuple[Sequence[Any], int]]:
    """Shapes [batch, height, width, channels], the one with the most freedom first, and the step between image sizes.

    With `any_size` height and width are any from the smallest on. Where JAX cannot decide with these whether all arrays
    of the network fit, as with pools that round up, they differ from the network's own by multiples of `SIZE_STEP`.
    """
    batch = "batch" if options.batch is None else str(options.batch)
    height, width, channels = network.image_shape
    if options.preprocess == "full":
        yield export.symbolic_shape(f"{batch}, height, width, {channels}"), 1
        return
    if not options.any_size:
        yield export.symbolic_shape(f"{batch}, {height}, {width}, {channels}"), 1
        return
    smallest = _smallest(network)
    least = [f"{side} >= {smallest}" for side in ("height", "width")]
    yield export.symbolic_shape(f"{batch}, height, width, {channels}", constraints=least), 1
    rests = {"rows": height % SIZE_STEP, "columns": width % SIZE_STEP}
    sides = ", ".join(f"{SIZE_STEP}*{name} + {rest}" for name, rest in rests.items())
    least = [f"{name} >= {max(1, -(-(smallest - rest) // SIZE_STEP))}" for name, rest in rests.items()]
    yield export.symbolic_shape(f"{batch}, {sides}, {channels}", constraints=least), SIZE_STEP


def _smallest(network: Exportable) -> int:
    """The smallest side of square images that the network takes, or its own where other sizes cannot be tried."""
    try:
        return smallest_image_size(network.model, network.image_shape[2])
    except ZooError:
        return min(network.image_shape[:2])
