"""Sheets of projections: Figure 2 of Zeiler and Fergus 2013 for a data set, and its like for single photographs."""

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
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork
from zoo.visualize.projection_groups import (
    SATURATED_FRACTION,
    TILES_PER_GROUP,
    UNITS_PER_SHEET,
    ProjectionGroup,
    trim_boxes,
    unit_label,
)
from zoo.visualize.sheets.figures import Cell, sheet_figure
from zoo.visualize.sheets.sheet import Sheet, sheet_name
from zoo.visualize.tiles import (
    covers_image,
    crop_box,
    mosaic,
    signed_to_colours,
    uint8_to_colours,
)

PAIRS = 3
SCALE = (
    f"Each projection has its own scale: mid-grey is zero, and the largest {SATURATED_FRACTION:.0%} of its magnitudes "
    "are black or white."
)
APART = (
    "of each photograph nine units, each the most strongly activated of those whose positions are beside the fewest "
    "already chosen"
)
VARIED = (
    "nine units, each the most strongly activated of those like the fewest already chosen (alike are units with most "
    "of their images, or the class of most of them, in common)"
)


def by_unit(
    subject: TrainedNetwork,
    pictures: ImageSet,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    batch_size: int,
    track: ProgressBar,
    why: str = "",
) -> Sheet:
    """The layout of the paper's Figure 2: nine projections of each unit, and the nine patches that excite it most."""
    model, variables = subject.model, subject.variables
    labels: list[int] = []
    images = _read(subject, pictures, layer, batch_size, track, labels)
    found = top_activations(model, variables, images, layer, k=TILES_PER_GROUP)
    chosen = (
        diverse_units(found.values, found.images, np.array(labels), UNITS_PER_SHEET)
        if units is None
        else check_units(layer, len(found.values), units)
    )
    rows = [_of_unit(subject, pictures, found, unit, rule) for unit in chosen.tolist()]
    rows, cutting = trim_boxes(rows)
    which = VARIED if units is None else "the units asked for"
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, {which}.\n"
        f"Left of each pair: the unit's {found.values.shape[1]} strongest activations, at most one an image, the "
        f'strongest first, projected to the pixels (rule "{rule}"). {SCALE} Right: the images there, light grey beyond '
        f"the border. {cutting} Above: the unit, its strongest activation, and the images' most frequent class. {why}"
    )
    rows = [_pair(row) for row in rows]
    pairs = [[cell for pair in rows[start : start + PAIRS] for cell in pair] for start in range(0, len(rows), PAIRS)]
    title = f"{subject.weights.model}, layer {layer}"
    return Sheet(sheet_name(rule, layer), title, caption, sheet_figure(pairs, title, caption, together=2))


def _read(
    subject: TrainedNetwork, pictures: ImageSet, layer: str, batch_size: int, track: ProgressBar, labels: list[int]
) -> Iterator[np.ndarray]:
    """All images in batches, normalised; their labels are appended to `labels` as they are read."""
    prepared = subject.weights.preprocessing
    size = min(batch_size, len(pictures))
    batches = eval_batches(pictures.source, preprocessing=prepared, batch_size=size)
    total = -(-len(pictures) // size)
    for batch in track(batches, total=total, description=f"{layer}: looking through {len(pictures)} images"):
        labels += batch["label"][batch["mask"]].tolist()
        yield subject.normalized(batch["image"][batch["mask"]])


def _of_unit(
    subject: TrainedNetwork, pictures: ImageSet, found: TopActivations, unit: int, rule: Rule
) -> ProjectionGroup:
    """A unit at a time, so that all are compiled for one size."""
    examples = [pictures.source[int(index)] for index in found.images[unit]]
    images = np.stack([subject.weights.preprocessing.fitted(example["image"]) for example in examples])
    given, position = subject.normalized(images), found.positions[unit]
    made = deconvnet(subject.model, subject.variables, given, found.layer, unit, rule=rule, position=position)
    label = unit_label(pictures, unit, found.values[unit, 0], [example["label"] for example in examples])
    return ProjectionGroup(made.pixels, images, found.boxes[unit], label)


def _pair(group: ProjectionGroup) -> list[Cell]:
    """Projections and patches."""
    projections = _tiles([signed_to_colours(pixels, SATURATED_FRACTION) for pixels in group.pixels], group.boxes)
    return [
        Cell(projections, group.label),
        Cell(_tiles([uint8_to_colours(image) for image in group.images], group.boxes)),
    ]


def _tiles(pictures: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    return mosaic([crop_box(picture, box) for picture, box in zip(pictures, boxes, strict=True)])


def by_image(
    subject: TrainedNetwork,
    pictures: ImageSet,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    track: ProgressBar,
    why: str = "",
) -> Sheet:
    """For each photograph the strongest activation of each of nine units: where it is, projected, and what it sees."""
    groups = [
        _of_image(subject, pictures, index, layer, units, rule)
        for index in track(range(len(pictures)), total=len(pictures), description=f"{layer}: projecting")
    ]
    groups, cutting = trim_boxes(groups)
    whole = covers_image(groups[0].boxes[0], subject.image_shape)
    which = APART if units is None else "the units asked for"
    projected = f'the strongest activation of each unit projected to the pixels (rule "{rule}"). {SCALE}'
    boxes = "" if whole else " Right: the image there, light grey beyond the border. The boxes are those cuts."
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, {which}.\n"
        f"Left: the photograph as the network sees it. {'Right' if whole else 'Middle'}: {projected}{boxes} {cutting} "
        f"{why}"
    )
    rows = [_photograph(group, name) for group, name in zip(groups, pictures.names, strict=True)]
    title = f"{subject.weights.model}, layer {layer}"
    return Sheet(sheet_name(rule, layer), title, caption, sheet_figure(rows, title, caption, side=2.7))


def _of_image(
    subject: TrainedNetwork, pictures: ImageSet, index: int, layer: str, units: Sequence[int] | None, rule: Rule
) -> ProjectionGroup:
    image = subject.weights.preprocessing.fitted(pictures.source[index]["image"])
    normalized = subject.normalized(image[None])
    if units is None:
        maps = activations(subject.model, subject.variables, normalized, layer)
        units = units_at_distinct_positions(maps[0].astype(np.float32), UNITS_PER_SHEET).tolist()
    made = deconvnet(subject.model, subject.variables, normalized, layer, units, rule=rule)
    boxes = receptive_boxes(subject.model, image.shape, layer, made.positions)
    images = np.broadcast_to(image, made.pixels.shape)
    return ProjectionGroup(made.pixels, images, boxes, "units " + ", ".join(map(str, units)))


def _photograph(group: ProjectionGroup, name: str) -> list[Cell]:
    """The whole photograph, projections and, where they are not all of it, patches."""
    seen, pair = uint8_to_colours(group.images[0]), _pair(group)
    if covers_image(group.boxes[0], seen.shape):
        return [Cell(seen, name), pair[0]]
    return [Cell(seen, name, boxes=group.boxes), *pair]
