"""Sheets of projections: Figure 2 of Zeiler and Fergus 2013 for a data set, and a row per image for a few images."""

from collections.abc import Iterator, Sequence

import numpy as np

from zoo.data import eval_batches
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.deconvnet import deconvnet
from zoo.visualize.methods.feature_maps import activations
from zoo.visualize.methods.named_layers import check_units
from zoo.visualize.methods.receptive_boxes import receptive_boxes
from zoo.visualize.methods.top_activations import TopActivations, top_activations
from zoo.visualize.methods.unit_choice import diverse_units, units_at_distinct_positions
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar
from zoo.visualize.projection_groups import (
    SATURATED_FRACTION,
    TILES_PER_GROUP,
    UNITS_PER_SHEET,
    ProjectionGroup,
    trim_boxes,
    unit_label,
)
from zoo.visualize.sheets.sheet import Sheet, draw_sheet, sheet_name
from zoo.visualize.sheets.sheet_image import SheetImage
from zoo.visualize.tiles import covers_image, crop_box, mosaic, signed_to_colours, uint8_to_colours

UNITS_PER_ROW = 3
SCALE_CAPTION = (
    f"Each projection has its own scale: mid-grey is zero, and the largest {SATURATED_FRACTION:.0%} of its magnitudes "
    "are at the ends of the scale."
)
DISTINCT_POSITIONS_CAPTION = (
    "nine units per photograph, each the most active of those whose positions are next to the fewest already chosen"
)
DIVERSE_UNITS_CAPTION = (
    "nine units, each the most active of those similar to the fewest already chosen (similar units have most of their "
    "images, or the class of most of them, in common)"
)


def projections_by_unit(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    rule_reason: str = "",
    batch_size: int = 64,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """The paper's Figure 2: for each unit nine projections, and next to them the nine patches that activate it most.

    `units` None is nine units that differ. `rule_reason` explains in the caption why the rule is not the usual one.
    """
    labels: list[int] = []
    images = _read_images(network, image_set, layer, batch_size=batch_size, progress_bar=progress_bar, labels=labels)
    top = top_activations(network.model, network.variables, images, layer, k=TILES_PER_GROUP)
    chosen = (
        diverse_units(top.values, top.images, np.array(labels), UNITS_PER_SHEET)
        if units is None
        else check_units(layer, len(top.values), units)
    )
    groups, crop_caption = trim_boxes([_project_unit(network, image_set, top, unit, rule) for unit in chosen.tolist()])
    which = DIVERSE_UNITS_CAPTION if units is None else "the units given with --units"
    caption = (
        f"{network.description}; {image_set.description}; layer {layer}, {which}.\n"
        f"Left of each pair: the unit's {top.values.shape[1]} strongest activations, at most one per image, the "
        f'strongest first, projected to the pixels (rule "{rule}"). {SCALE_CAPTION} Right: the images at the same '
        f"positions; outside of an image is light grey. {crop_caption} Above: the unit, its strongest activation, and "
        f"the most frequent class of the images. {rule_reason}"
    )
    pairs = [_projections_and_patches(group) for group in groups]
    rows = [
        [image for pair in pairs[start : start + UNITS_PER_ROW] for image in pair]
        for start in range(0, len(pairs), UNITS_PER_ROW)
    ]
    title = f"{network.weights.model}, layer {layer}"
    return draw_sheet(sheet_name(rule, layer), rows, title, caption, group_size=2)


def projections_by_image(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    rule_reason: str = "",
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """A row per image: the image, the strongest activation of each of nine units projected, and the patches there.

    `units` None is nine units of each image at distinct positions. `rule_reason` is as for `projections_by_unit`.
    """
    indices = progress_bar(range(len(image_set)), total=len(image_set), description=f"{layer}: projecting")
    groups, crop_caption = trim_boxes(
        [_project_image(network, image_set.source[index]["image"], layer, units, rule) for index in indices]
    )
    whole_image = covers_image(groups[0].boxes[0], network.image_shape)
    which = DISTINCT_POSITIONS_CAPTION if units is None else "the units given with --units"
    projections = (
        f"{'Right' if whole_image else 'Middle'}: the strongest activation of each unit projected to the pixels "
        f'(rule "{rule}"). {SCALE_CAPTION}'
    )
    patches = " Right: the image in the numbered boxes; outside of the image is light grey." if not whole_image else ""
    caption = (
        f"{network.description}; {image_set.description}; layer {layer}, {which}.\n"
        f"Left: the photograph as the network sees it. {projections}{patches} {crop_caption} {rule_reason}"
    )
    rows = [_image_row(group, name) for group, name in zip(groups, image_set.names, strict=True)]
    title = f"{network.weights.model}, layer {layer}"
    return draw_sheet(sheet_name(rule, layer), rows, title, caption, image_width=2.7)


def _read_images(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str,
    *,
    batch_size: int,
    progress_bar: ProgressBar,
    labels: list[int],
) -> Iterator[np.ndarray]:
    """All images in batches, normalised; their labels are appended to `labels` as they are read."""
    size = min(batch_size, len(image_set))
    batches = eval_batches(image_set.source, preprocessing=network.weights.preprocessing, batch_size=size)
    description = f"{layer}: searching {len(image_set)} images"
    for batch in progress_bar(batches, total=-(-len(image_set) // size), description=description):
        labels += batch["label"][batch["mask"]].tolist()
        yield network.normalized(batch["image"][batch["mask"]])


def _project_unit(
    network: TrainedNetwork, image_set: ImageSet, top: TopActivations, unit: int, rule: Rule
) -> ProjectionGroup:
    # One unit at a time, so that all units are compiled for one batch size.
    examples = [image_set.source[int(index)] for index in top.images[unit]]
    images = np.stack([network.weights.preprocessing.fitted(example["image"]) for example in examples])
    projection = deconvnet(
        network.model,
        network.variables,
        network.normalized(images),
        top.layer,
        unit,
        rule=rule,
        position=top.positions[unit],
    )
    label = unit_label(image_set, unit, top.values[unit, 0], [example["label"] for example in examples])
    return ProjectionGroup(projection.pixels, images, top.boxes[unit], label)


def _project_image(
    network: TrainedNetwork, image: np.ndarray, layer: str, units: Sequence[int] | None, rule: Rule
) -> ProjectionGroup:
    fitted = network.weights.preprocessing.fitted(image)
    normalized = network.normalized(fitted[None])
    if units is None:
        maps = activations(network.model, network.variables, normalized, layer)
        units = units_at_distinct_positions(maps[0].astype(np.float32), UNITS_PER_SHEET).tolist()
    projection = deconvnet(network.model, network.variables, normalized, layer, units, rule=rule)
    boxes = receptive_boxes(network.model, fitted.shape, layer, projection.positions)
    images = np.broadcast_to(fitted, projection.pixels.shape)
    return ProjectionGroup(projection.pixels, images, boxes, "units " + ", ".join(map(str, units)))


def _projections_and_patches(group: ProjectionGroup) -> list[SheetImage]:
    projections = [signed_to_colours(pixels, SATURATED_FRACTION) for pixels in group.pixels]
    images = [uint8_to_colours(image) for image in group.images]
    return [SheetImage(_tiles(projections, group.boxes), group.label), SheetImage(_tiles(images, group.boxes))]


def _tiles(images: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    return mosaic([crop_box(image, box) for image, box in zip(images, boxes, strict=True)])


def _image_row(group: ProjectionGroup, name: str) -> list[SheetImage]:
    """The whole image, the projections and, unless each is the whole image, the patches."""
    image, pair = uint8_to_colours(group.images[0]), _projections_and_patches(group)
    if covers_image(group.boxes[0], image.shape):
        return [SheetImage(image, name), pair[0]]
    return [SheetImage(image, name, boxes=tuple(group.boxes)), *pair]
