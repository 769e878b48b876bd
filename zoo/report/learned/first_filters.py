"""The filters of the first convolution, as images."""

from dataclasses import dataclass

import numpy as np

from zoo.report.page_image import PageImage, add_alpha, embed_image, tile_images, to_uint8
from zoo.visualize.methods.feature_maps import filters, first_convolution
from zoo.visualize.methods.named_layers import check_finite
from zoo.visualize.network_and_images import TrainedNetwork
from zoo.visualize.tiles import signed_to_colours

COLUMNS, MAX_FILTERS = 8, 64


@dataclass(frozen=True)
class FirstFilters:
    """A layer's filters [height, width, inputs] in one image: the first `shown` of `count`."""

    layer: str
    height: int
    width: int
    inputs: int
    count: int
    shown: int
    columns: int
    image: PageImage


def first_filters(trained: TrainedNetwork) -> FirstFilters | None:
    """The filters of the first convolution, each on its own scale; None if the network has no convolution.

    Raises ZooError if they are not finite.
    """
    layer = first_convolution(trained.model, trained.variables, trained.image_shape)
    if not layer:
        return None
    kernels = np.moveaxis(filters(trained.model, trained.variables, layer), -1, 0)
    check_finite(trained.model, layer, kernels)
    count, height, width, inputs = kernels.shape
    shown, columns = min(count, MAX_FILTERS), min(count, COLUMNS)
    which = f"The first {shown}" if shown < count else f"All {count}"
    tiles = [add_alpha(to_uint8(signed_to_colours(kernel), inputs)) for kernel in kernels[:shown]]
    return FirstFilters(
        layer=layer,
        height=height,
        width=width,
        inputs=inputs,
        count=count,
        shown=shown,
        columns=columns,
        image=embed_image(tile_images(tiles, columns), f"{which} filters of {layer}, {height} by {width} pixels each"),
    )
