"""Sheets of projections: Figure 2 of Zeiler and Fergus 2013 for a data set, and its like for single photographs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.data import eval_batches
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.deconvnet import deconvnet
from zoo.visualize.methods.feature_maps import activations
from zoo.visualize.methods.layers import units_of
from zoo.visualize.methods.receptive_boxes import receptive_boxes
from zoo.visualize.methods.top_activations import TopActivations, top_activations
from zoo.visualize.methods.unit_choice import places_apart, varied_units
from zoo.visualize.network_and_images import Pictures, Subject, Track
from zoo.visualize.sheets.figures import Cell, sheet_figure
from zoo.visualize.sheets.sheet import Sheet, sheet_name
from zoo.visualize.sheets.tiles import covers, cut, empty_margin, mosaic, photograph, shrunk, signed

# As many as a square of tiles holds: of projections, and of units.
NINE = 9
PAIRS = 3

SATURATING, HELD = 0.01, 0.98
# Of the image's side.
LARGE_CUT = 0.67
SCALE = (
    f"Each projection has its own scale: mid-grey is zero, and the largest {SATURATING:.0%} of its magnitudes lie "
    "at its ends."
)
APART = (
    "of each photograph nine units, each the most strongly activated of those whose places are beside the fewest "
    "already chosen"
)
VARIED = (
    "nine units, each the most strongly activated of those like the fewest already chosen (alike are units with most "
    "of their images, or the class of most of them, in common)"
)


@dataclass(frozen=True, eq=False)
class Projected:
    """One group of tiles: pictures [n, height, width, channel] of a projection each, uint8 images, boxes, labels."""

    pixels: np.ndarray
    images: np.ndarray
    boxes: np.ndarray
    label: str


def by_unit(
    subject: Subject,
    pictures: Pictures,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    batch_size: int,
    track: Track,
    why: str = "",
) -> Sheet:
    """The layout of the paper's Figure 2: nine projections of each unit, and the nine patches that excite it most."""
    model, variables = subject.model, subject.variables
    labels: list[int] = []
    images = _read(subject, pictures, layer, batch_size, track, labels)
    found = top_activations(model, variables, images, layer, k=NINE)
    chosen = (
        varied_units(found.values, found.images, np.array(labels), NINE)
        if units is None
        else units_of(layer, len(found.values), units)
    )
    rows = [_of_unit(subject, pictures, found, unit, rule) for unit in chosen.tolist()]
    rows, cutting = trimmed_boxes(rows)
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
    subject: Subject, pictures: Pictures, layer: str, batch_size: int, track: Track, labels: list[int]
) -> Iterator[np.ndarray]:
    """All images in batches, normalised; their labels are appended to `labels` as they are read."""
    prepared = subject.weights.preprocessing
    size = min(batch_size, len(pictures))
    batches = eval_batches(pictures.source, preprocessing=prepared, batch_size=size)
    total = -(-len(pictures) // size)
    for batch in track(batches, total=total, description=f"{layer}: looking through {len(pictures)} images"):
        labels += batch["label"][batch["mask"]].tolist()
        yield subject.normalized(batch["image"][batch["mask"]])


def _of_unit(subject: Subject, pictures: Pictures, found: TopActivations, unit: int, rule: Rule) -> Projected:
    """A unit at a time, so that all are compiled for one size."""
    examples = [pictures.source[int(index)] for index in found.images[unit]]
    images = np.stack([subject.weights.preprocessing.fitted(example["image"]) for example in examples])
    given, place = subject.normalized(images), found.places[unit]
    made = deconvnet(subject.model, subject.variables, given, found.layer, unit, rule=rule, place=place)
    label = label_of(pictures, unit, found.values[unit, 0], [example["label"] for example in examples])
    return Projected(made.pixels, images, found.boxes[unit], label)


def label_of(pictures: Pictures, unit: int, strongest: float, labels: Sequence[int]) -> str:
    """What stands above a unit's pictures: its strongest activation, and the most frequent class of the images."""
    if strongest <= 0:
        return f"unit {unit}, never active"
    label, count = Counter(labels).most_common(1)[0]
    named = f' · {count} of {len(labels)} are "{pictures.class_names[label]}"' if pictures.class_names else ""
    return f"unit {unit} · {strongest:.3g}{named}"


def trimmed_boxes(groups: Sequence[Projected]) -> tuple[list[Projected], str]:
    """The groups with boxes smaller by what is empty in all of them, and that in words."""
    (top, left, bottom, right), shape = groups[0].boxes[0], groups[0].images.shape[1:]
    rows, columns, whole = bottom - top, right - left, covers(groups[0].boxes[0], shape)
    lit = [group for group in groups if group.pixels.any()]
    margin = min((empty_margin(group.pixels, group.boxes, HELD) for group in lit), default=0)
    kept = f"{rows - 2 * margin}x{columns - 2 * margin}"
    most = f"with {HELD:.0%} or more of each projection's energy."
    if whole and max(rows, columns) - 2 * margin > LARGE_CUT * min(shape[:2]):
        # Little would be gained, and half of a cut at a border be empty.
        return list(groups), "An activation may depend on all of the image."
    trimmed = [replace(group, boxes=shrunk(group.boxes, margin)) for group in groups]
    if whole:
        return trimmed, f"An activation may depend on all of the image; both are cut to {kept} pixels, {most}"
    if not margin:
        return trimmed, f"Both are cut to the {kept} pixels that an activation sees."
    return trimmed, f"Both are cut to the middle {kept} of the {rows}x{columns} pixels that an activation sees, {most}"


def _pair(group: Projected) -> list[Cell]:
    """Projections and patches."""
    projections = _tiles([signed(pixels, SATURATING) for pixels in group.pixels], group.boxes)
    return [Cell(projections, group.label), Cell(_tiles([photograph(image) for image in group.images], group.boxes))]


def _tiles(pictures: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    return mosaic([cut(picture, box) for picture, box in zip(pictures, boxes, strict=True)])


def by_image(
    subject: Subject,
    pictures: Pictures,
    layer: str,
    units: Sequence[int] | None,
    rule: Rule,
    *,
    track: Track,
    why: str = "",
) -> Sheet:
    """For each photograph the strongest activation of each of nine units: where it is, projected, and what it sees."""
    groups = [
        _of_image(subject, pictures, index, layer, units, rule)
        for index in track(range(len(pictures)), total=len(pictures), description=f"{layer}: projecting")
    ]
    groups, cutting = trimmed_boxes(groups)
    whole = covers(groups[0].boxes[0], subject.image_shape)
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
    subject: Subject, pictures: Pictures, index: int, layer: str, units: Sequence[int] | None, rule: Rule
) -> Projected:
    image = subject.weights.preprocessing.fitted(pictures.source[index]["image"])
    normalized = subject.normalized(image[None])
    if units is None:
        maps = activations(subject.model, subject.variables, normalized, layer)
        units = places_apart(maps[0].astype(np.float32), NINE).tolist()
    made = deconvnet(subject.model, subject.variables, normalized, layer, units, rule=rule)
    boxes = receptive_boxes(subject.model, image.shape, layer, made.places)
    images = np.broadcast_to(image, made.pixels.shape)
    return Projected(made.pixels, images, boxes, "units " + ", ".join(map(str, units)))


def _photograph(group: Projected, name: str) -> list[Cell]:
    """The whole photograph, projections and, where they are not all of it, patches."""
    seen, pair = photograph(group.images[0]), _pair(group)
    if covers(group.boxes[0], seen.shape):
        return [Cell(seen, name), pair[0]]
    return [Cell(seen, name, boxes=group.boxes), *pair]
