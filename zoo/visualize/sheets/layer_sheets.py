"""Sheets of a layer: its filters, its feature maps, and images that maximise the activation of its units."""

from collections.abc import Sequence

import jax
import numpy as np

from zoo.visualize.methods.feature_maps import activations, filters, first_convolution
from zoo.visualize.methods.maximize import Maximized, maximize
from zoo.visualize.methods.named_layers import LOGITS, check_units
from zoo.visualize.methods.unit_choice import most_active_units
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar
from zoo.visualize.projection_groups import UNITS_PER_SHEET
from zoo.visualize.sheets.sheet import Sheet, draw_sheet, sheet_name
from zoo.visualize.sheets.sheet_image import Rows, SheetImage, non_negative_map, signed_map
from zoo.visualize.tiles import signed_to_colours, uint8_to_colours

# With the image itself, two rows of six.
MAPS_PER_IMAGE = 11
# Filters with one or three inputs are images; of others, a few filters are shown with a few inputs each.
FILTERS_PER_ROW, MAX_IMAGE_FILTERS = 8, 64
MAX_OTHER_FILTERS, MAX_INPUTS = 8, 16
# If a layer has at most this many units, all are maximised.
MAX_UNITS_TO_MAXIMIZE = 12
MAX_JITTER = 8


def filter_sheet(network: TrainedNetwork, layer: str | None, units: Sequence[int] | None) -> Sheet:
    """A convolution's filters: as colour images for one or three inputs, else a row per filter, a column per input.

    `layer` None is the first convolution.
    """
    layer = layer or first_convolution(network.model, network.variables, network.image_shape)
    kernels = np.moveaxis(filters(network.model, network.variables, layer), -1, 0)
    count, height, width, inputs = kernels.shape
    chosen = np.arange(count) if units is None else check_units(layer, count, units)
    if inputs in (1, 3):
        chosen = chosen[:MAX_IMAGE_FILTERS]
        rows = _in_rows([SheetImage(signed_to_colours(kernels[unit]), f"{unit}") for unit in chosen], FILTERS_PER_ROW)
        group_size = FILTERS_PER_ROW
        scale = "Each filter has its own scale: mid-grey is zero, and the largest magnitude is at an end of the scale."
    else:
        chosen, group_size = chosen[:MAX_OTHER_FILTERS], min(inputs, MAX_INPUTS)
        rows = [_filter_row(kernels[unit], unit, group_size) for unit in chosen.tolist()]
        scale = (
            f"A row per filter, a column for each of the first {group_size} of {inputs} inputs. Each row has its own "
            "scale, up to the filter's largest magnitude: white is zero, red positive, blue negative."
        )
    number = f"{len(chosen)} of {count} units" if len(chosen) < count else f"all {count} units"
    caption = f"{network.description}; filters of {height}x{width} of layer {layer}, {number}.\n{scale}"
    title = f"{network.weights.model}, filters of {layer}"
    return draw_sheet(sheet_name("filters", layer), rows, title, caption, image_width=0.8, group_size=group_size)


def _filter_row(kernel: np.ndarray, unit: int, inputs: int) -> list[SheetImage]:
    high = float(np.abs(kernel).max())
    return [signed_map(kernel[..., i], f"{unit}, input {i}", high=high) for i in range(inputs)]


def activation_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str,
    units: Sequence[int] | None,
    *,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """Feature maps of each image; `units` None is the image's most active ones."""
    rows: list[Sequence[SheetImage]] = []
    for index in progress_bar(range(len(image_set)), total=len(image_set), description=f"{layer}: feature maps"):
        image = network.weights.preprocessing.fitted(image_set.source[index]["image"])
        maps = activations(network.model, network.variables, network.normalized(image[None]), layer)[0]
        chosen = (
            most_active_units(maps.max(axis=(0, 1))[:, None], MAPS_PER_IMAGE)
            if units is None
            else check_units(layer, maps.shape[-1], units)
        )
        first = SheetImage(uint8_to_colours(image), image_set.names[index])
        rows += _in_rows([first, *_map_images(maps, chosen)], (MAPS_PER_IMAGE + 1) // 2)
    which = "most active units" if units is None else "units given with --units"
    caption = (
        f"{network.description}; {image_set.description}; layer {layer}, each image's {which}.\n"
        "All maps of an image have the same scale, shown under the first map: dark is zero. If the layer also has "
        "negative values, white is zero, red positive, blue negative."
    )
    title = f"{network.weights.model}, feature maps of {layer}"
    return draw_sheet(sheet_name("activations", layer), rows, title, caption, image_width=1.5)


def _map_images(maps: np.ndarray, units: np.ndarray) -> list[SheetImage]:
    """All on one scale, with the bar under the first."""
    shown = maps[..., units].astype(np.float32)
    high = float(np.abs(shown).max())
    map_image = signed_map if shown.min() < 0 else non_negative_map
    return [map_image(shown[..., i], f"unit {unit}", high=high, bar=i == 0) for i, unit in enumerate(units.tolist())]


def maximize_sheet(network: TrainedNetwork, layer: str, units: Sequence[int] | None, *, steps: int, seed: int) -> Sheet:
    """For each unit an image that maximises its activation, found from noise; for the layer "" the units are classes.

    `units` None is all units of a small layer, else the first nine.
    """
    count = network.shapes[layer][-1]
    chosen = (
        np.arange(count if count <= MAX_UNITS_TO_MAXIMIZE else UNITS_PER_SHEET)
        if units is None
        else check_units(layer or "the output", count, units)
    )
    black, white = (network.normalized(np.full((1, 1, 1, network.image_shape[2]), v, np.uint8)) for v in (0, 255))
    maximized = maximize(
        network.model,
        network.variables,
        layer,
        chosen.tolist(),
        jax.random.key(seed),
        image_shape=network.image_shape,
        bounds=(black[0, 0, 0], white[0, 0, 0]),
        jitter=min(MAX_JITTER, min(network.image_shape[:2]) // 8),
        steps=steps,
    )
    images = _maximized_images(network, layer, chosen.tolist(), maximized)
    layer_text = "the logits" if layer == LOGITS else f"layer {layer}"
    caption = (
        f"{network.description}; {layer_text}; no data set.\n"
        f"Images found from noise in {steps} steps of Adam (seed {seed}) that raise the mean of a unit's map. Above: "
        "the unit and the mean that was reached. The colours are those of the network's images, from black to white."
    )
    title = f"{network.weights.model}, images that maximise {layer_text}"
    rows = _in_rows(images, 3 if len(images) <= UNITS_PER_SHEET else 4)
    return draw_sheet(sheet_name("maximize", layer or "logits"), rows, title, caption, image_width=2.2)


def _maximized_images(
    network: TrainedNetwork, layer: str, units: Sequence[int], maximized: Maximized
) -> list[SheetImage]:
    # The inverse of the preprocessing.
    mean, std = np.array(network.weights.preprocessing.mean), np.array(network.weights.preprocessing.std)
    pixels = np.clip((maximized.images * std + mean) * 255, 0, 255).astype(np.uint8)
    names = [f'"{network.class_name(unit)[:24]}"' if layer == LOGITS else f"unit {unit}" for unit in units]
    return [
        SheetImage(uint8_to_colours(image), f"{name} · {value:.3g}")
        for image, name, value in zip(pixels, names, maximized.values, strict=True)
    ]


def _in_rows(images: Sequence[SheetImage], columns: int) -> Rows:
    return [images[start : start + columns] for start in range(0, len(images), columns)]
