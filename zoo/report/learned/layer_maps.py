"""The feature maps of an example image, layer by layer."""

from dataclasses import dataclass

import numpy as np

from zoo.report.learned.example_images import IMAGE_SIZE, ExampleImages
from zoo.report.page_image import PageImage, embed_heat_map, embed_image
from zoo.visualize.methods.unit_choice import most_active_units

MAPS_PER_LAYER = 12
# The largest side of a map, in pixels.
MAP_SIZE = 112


@dataclass(frozen=True)
class UnitMap:
    """The feature map of one unit."""

    unit: int
    image: PageImage


@dataclass(frozen=True)
class LayerMaps:
    """The most active units of a layer; all maps have one scale, 0 to `high`, and `signed` says if values are below 0.

    A layer with a single position has no maps; `all_units` then shows its units, one column each.
    """

    layer: str
    shape: tuple[int, int, int]
    high: float
    signed: bool
    maps: tuple[UnitMap, ...]
    all_units: PageImage | None = None


@dataclass(frozen=True)
class FeatureMaps:
    """An image, and the maps of some layers for it."""

    name: str
    image: PageImage
    layers: tuple[LayerMaps, ...]


def feature_maps_of(examples: ExampleImages) -> FeatureMaps:
    """The feature maps of the first example."""
    name = examples.names[0]
    layers = tuple(_layer_maps(layer, output[0].astype(np.float32)) for layer, output in examples.outputs.items())
    image = embed_image(examples.images[0], f"{name}, as the network gets it", max_side=IMAGE_SIZE)
    return FeatureMaps(name, image, layers)


def _layer_maps(layer: str, maps: np.ndarray) -> LayerMaps:
    unit_maps: tuple[UnitMap, ...] = ()
    all_units = None
    if maps.shape[:2] != (1, 1):
        units = most_active_units(maps.max(axis=(0, 1))[:, None], MAPS_PER_LAYER).tolist()
        high = float(maps[..., units].max())
        unit_maps = tuple(_unit_map(layer, unit, maps[..., unit], high) for unit in units)
    else:
        high = float(maps.max())
        all_units = embed_heat_map(maps[0], f"All {maps.shape[2]} units of {layer}, one column each", high=high)
    return LayerMaps(
        layer=layer,
        shape=maps.shape,
        high=high,
        signed=bool(maps.min() < 0),
        maps=unit_maps,
        all_units=all_units,
    )


def _unit_map(layer: str, unit: int, values: np.ndarray, high: float) -> UnitMap:
    alt = f"Feature map of unit {unit} of {layer}"
    return UnitMap(unit, embed_heat_map(values, alt, high=high, max_side=MAP_SIZE))
