"""Sheets of what a layer is: its filters, its feature maps, and pictures that excite its units as much as can be."""

from collections.abc import Sequence

import jax
import numpy as np

from zoo.visualize.methods.feature_maps import activations, filters, first_convolution
from zoo.visualize.methods.maximize import maximize
from zoo.visualize.methods.named_layers import LOGITS, check_units
from zoo.visualize.methods.unit_choice import most_active_units
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork
from zoo.visualize.projection_groups import UNITS_PER_SHEET
from zoo.visualize.sheets.figures import Cell, from_zero, sheet_figure, zero_centred
from zoo.visualize.sheets.sheet import Sheet, sheet_name
from zoo.visualize.tiles import signed_to_colours, uint8_to_colours

# Feature maps of an image; columns of a sheet of filters, and inputs of a filter that is no picture.
MAPS, COLUMNS = 11, 8
MOST_FILTERS, INPUTS = 64, 16
# So many classes are all shown.
TWELVE = 12


def filter_sheet(subject: TrainedNetwork, layer: str | None, units: Sequence[int] | None) -> Sheet:
    """A convolution's kernels: as colours where it sees an image, else a row a unit and a column an input."""
    named = layer or first_convolution(subject.model, subject.variables, subject.image_shape)
    kernels = np.moveaxis(filters(subject.model, subject.variables, named), -1, 0)
    count, *_, inputs = kernels.shape
    chosen = np.arange(count) if units is None else check_units(named, count, units)
    if inputs in (1, 3):
        chosen = chosen[:MOST_FILTERS]
        cells = [Cell(signed_to_colours(kernels[unit]), f"{unit}") for unit in chosen]
        rows, together = _in_rows(cells, COLUMNS), COLUMNS
        scale = "Each filter has its own scale, to its largest magnitude: mid-grey is zero."
    else:
        chosen, shown = chosen[:COLUMNS], range(min(inputs, INPUTS))
        high = [float(np.abs(kernels[unit]).max()) for unit in chosen]
        rows = [
            [zero_centred(kernels[unit, ..., i], f"{unit}, input {i}", high=high[row]) for i in shown]
            for row, unit in enumerate(chosen)
        ]
        together = len(shown)
        scale = (
            f"A row a filter, a column each of the first {len(shown)} of {inputs} inputs. Each row has its own scale, "
            "to its filter's largest magnitude: white is zero, red above, blue below."
        )
    part = f"{len(chosen)} of {count} units" if len(chosen) < count else f"all {count} units"
    height, width = kernels.shape[1:3]
    caption = f"{subject.about}; filters of {height}x{width} of layer {named}, {part}.\n{scale}"
    title = f"{subject.weights.model}, filters of {named}"
    figure = sheet_figure(rows, title, caption, side=0.8, together=together)
    return Sheet(sheet_name("filters", named), title, caption, figure)


def activation_sheet(
    subject: TrainedNetwork, pictures: ImageSet, layer: str, units: Sequence[int] | None, *, track: ProgressBar
) -> Sheet:
    """Feature maps of each image, the most active unless units are named."""
    rows = []
    for index in track(range(len(pictures)), total=len(pictures), description=f"{layer}: feature maps"):
        image = subject.weights.preprocessing.fitted(pictures.source[index]["image"])
        maps = activations(subject.model, subject.variables, subject.normalized(image[None]), layer)[0]
        chosen = (
            most_active_units(maps.max(axis=(0, 1))[:, None], MAPS)
            if units is None
            else check_units(layer, maps.shape[-1], units)
        )
        shown = maps[..., chosen].astype(np.float32)
        drawn, high = (zero_centred if shown.min() < 0 else from_zero), float(np.abs(shown).max())
        made = [drawn(shown[..., i], f"unit {unit}", high=high, bar=not i) for i, unit in enumerate(chosen)]
        rows += _in_rows([Cell(uint8_to_colours(image), pictures.names[index]), *made], (MAPS + 1) // 2)
    which = "most strongly activated units" if units is None else "units asked for"
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, each image's {which}.\n"
        "All maps of an image have one scale, under its first map: dark is zero; of a layer that also has negative "
        "values white is zero, red above, blue below."
    )
    title = f"{subject.weights.model}, feature maps of {layer}"
    return Sheet(sheet_name("activations", layer), title, caption, sheet_figure(rows, title, caption, side=1.5))


def maximize_sheet(subject: TrainedNetwork, layer: str, units: Sequence[int] | None, *, steps: int, seed: int) -> Sheet:
    """An image for each unit that excites it much, found from noise; for each class where the layer is the output."""
    count = subject.shapes[layer][-1]
    chosen = (
        np.arange(count if count <= TWELVE else UNITS_PER_SHEET)
        if units is None
        else check_units(layer or "the output", count, units)
    )
    prepared = subject.weights.preprocessing
    black, white = (subject.normalized(np.full((1, 1, 1, subject.image_shape[2]), v, np.uint8)) for v in (0, 255))
    made = maximize(
        subject.model,
        subject.variables,
        layer,
        chosen.tolist(),
        jax.random.key(seed),
        image_shape=subject.image_shape,
        bounds=(black[0, 0, 0], white[0, 0, 0]),
        jitter=min(8, min(subject.image_shape[:2]) // 8),
        steps=steps,
    )
    # The inverse of the preprocessing.
    pixels = np.clip((made.images * np.array(prepared.std) + np.array(prepared.mean)) * 255, 0, 255).astype(np.uint8)
    what = [f'"{subject.class_name(unit)[:24]}"' if layer == LOGITS else f"unit {unit}" for unit in chosen.tolist()]
    cells = [
        Cell(uint8_to_colours(image), f"{name} · {value:.3g}")
        for image, name, value in zip(pixels, what, made.values, strict=True)
    ]
    named = "the logits" if layer == LOGITS else f"layer {layer}"
    caption = (
        f"{subject.about}; {named}; no data set.\n"
        f"Images found from noise in {steps} steps of Adam (seed {seed}) that raise the mean of a unit's map; above, "
        "the unit and the value that was reached. Colours are those of the network's images, from black to white."
    )
    title = f"{subject.weights.model}, what excites {named} most"
    figure = sheet_figure(_in_rows(cells, 3 if len(cells) <= UNITS_PER_SHEET else 4), title, caption, side=2.2)
    return Sheet(sheet_name("maximize", layer or "logits"), title, caption, figure)


def _in_rows(cells: Sequence[Cell], columns: int) -> list[list[Cell]]:
    return [list(cells[start : start + columns]) for start in range(0, len(cells), columns)]
