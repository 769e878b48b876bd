"""The filters that see the image, as images."""

from dataclasses import dataclass

import numpy as np

from zoo.report.html.raster import Raster, as_bytes, opaque, raster, tiled
from zoo.visualize.methods.feature_maps import filters, first_convolution
from zoo.visualize.methods.named_layers import check_finite
from zoo.visualize.network_and_images import TrainedNetwork
from zoo.visualize.tiles import signed_to_colours

COLUMNS, MOST = 8, 64


@dataclass(frozen=True)
class FirstFilters:
    """The filters of a layer [height, width, inputs], of `count` the first `shown`, in one image."""

    layer: str
    height: int
    width: int
    inputs: int
    count: int
    shown: int
    columns: int
    raster: Raster


def first_filters(subject: TrainedNetwork) -> FirstFilters | None:
    """Those of the first convolution, each on its own scale; None where the network has none.

    Raises ZooError where they are not finite.
    """
    layer = first_convolution(subject.model, subject.variables, subject.image_shape)
    if not layer:
        return None
    kernels = np.moveaxis(filters(subject.model, subject.variables, layer), -1, 0)
    check_finite(subject.model, layer, kernels)
    count, height, width, inputs = kernels.shape
    shown, columns = min(count, MOST), min(count, COLUMNS)
    alt = f"The first {shown}" if shown < count else f"All {count}"
    tiles = [opaque(as_bytes(signed_to_colours(kernel), inputs)) for kernel in kernels[:shown]]
    made = raster(tiled(tiles, columns), f"{alt} filters of {layer}, {height} by {width} pixels each")
    return FirstFilters(layer, height, width, inputs, count, shown, columns, made)
