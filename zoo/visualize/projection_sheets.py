"""Sheets of projections: Figure 2 of Zeiler and Fergus 2013 for a data set, and its like for single photographs."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from zoo.data import eval_batches
from zoo.visualize.deconvnet import deconvnet
from zoo.visualize.feature_maps import activations
from zoo.visualize.figures import Cell, sheet_figure
from zoo.visualize.layers import units_of
from zoo.visualize.receptive import receptive_boxes
from zoo.visualize.rules import Rule
from zoo.visualize.sheet import Sheet, sheet_name
from zoo.visualize.subject import Pictures, Subject, Track, strongest_units
from zoo.visualize.tiles import covers, cut, mosaic, photograph, signed
from zoo.visualize.top_activations import TopActivations, top_activations

# As many as a square of tiles holds: of projections, and of units.
NINE = 9
PAIRS = 3

SCALE = "Each projection has its own scale, to its largest magnitude: mid-grey is zero."


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
    found = top_activations(model, variables, _read(subject, pictures, layer, batch_size, track), layer, k=NINE)
    chosen = strongest_units(found.values, NINE) if units is None else units_of(layer, len(found.values), units)
    rows = [_pair(subject, pictures, found, unit, rule) for unit in chosen.tolist()]
    which = "the most strongly activated units" if units is None else "the units asked for"
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, {which}.\n"
        f"Left of each pair: the unit's {found.values.shape[1]} strongest activations, at most one an image, the "
        f'strongest first, projected to the pixels (rule "{rule}"). {SCALE} Right: what the activation sees of those '
        "images (its receptive field, white beyond the border). Above: the unit, its strongest activation, and the "
        f"most frequent class among the images. {why}"
    )
    pairs = [[cell for pair in rows[start : start + PAIRS] for cell in pair] for start in range(0, len(rows), PAIRS)]
    title = f"{subject.weights.model}, layer {layer}"
    return Sheet(sheet_name(rule, layer), title, caption, sheet_figure(pairs, title, caption, together=2))


def _read(subject: Subject, pictures: Pictures, layer: str, batch_size: int, track: Track) -> Iterator[np.ndarray]:
    """All images in batches, normalised."""
    prepared = subject.weights.preprocessing
    size = min(batch_size, len(pictures))
    batches = eval_batches(pictures.source, preprocessing=prepared, batch_size=size)
    total = -(-len(pictures) // size)
    for batch in track(batches, total=total, description=f"{layer}: looking through {len(pictures)} images"):
        yield subject.normalized(batch["image"][batch["mask"]])


def _pair(subject: Subject, pictures: Pictures, found: TopActivations, unit: int, rule: Rule) -> list[Cell]:
    """Projections and patches of one unit, a unit at a time so that they are compiled for one size."""
    examples = [pictures.source[int(index)] for index in found.images[unit]]
    images = np.stack([subject.weights.preprocessing.fitted(example["image"]) for example in examples])
    made = deconvnet(
        subject.model,
        subject.variables,
        subject.normalized(images),
        found.layer,
        unit,
        rule=rule,
        place=found.places[unit],
    )
    boxes, strongest = found.boxes[unit], found.values[unit, 0]
    labels = [example["label"] for example in examples]
    return [
        Cell(_tiles([signed(pixels) for pixels in made.pixels], boxes), _label(subject, unit, strongest, labels)),
        Cell(_tiles([photograph(image) for image in images], boxes)),
    ]


def _tiles(pictures: Sequence[np.ndarray], boxes: np.ndarray) -> np.ndarray:
    return mosaic([cut(picture, box) for picture, box in zip(pictures, boxes, strict=True)])


def _label(subject: Subject, unit: int, strongest: float, labels: Sequence[int]) -> str:
    if strongest <= 0:
        return f"unit {unit}, never active"
    label, count = Counter(labels).most_common(1)[0]
    named = f", {count} of {len(labels)} {subject.class_name(label)}" if label >= 0 else ""
    return f"unit {unit}, {strongest:.3g}{named}"


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
    rows = [
        _photograph(subject, pictures, index, layer, units, rule)
        for index in track(range(len(pictures)), total=len(pictures), description=f"{layer}: projecting")
    ]
    wide = any(len(row) > 2 for row in rows)
    which = "nine most strongly activated units" if units is None else "units asked for"
    projected = f'the strongest activation of each unit projected to the pixels (rule "{rule}"). {SCALE}'
    seen = (
        f"the boxes are what the activations see. Middle: {projected} Right: what they see, white beyond the border."
        if wide
        else f"an activation of this layer may depend on all of it. Right: {projected}"
    )
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, each photograph's {which}.\n"
        f"Left: the photograph as the network sees it; {seen} {why}"
    )
    title = f"{subject.weights.model}, layer {layer}"
    return Sheet(sheet_name(rule, layer), title, caption, sheet_figure(rows, title, caption, side=2.7))


def _photograph(
    subject: Subject, pictures: Pictures, index: int, layer: str, units: Sequence[int] | None, rule: Rule
) -> list[Cell]:
    image = subject.weights.preprocessing.fitted(pictures.source[index]["image"])
    normalized = subject.normalized(image[None])
    if units is None:
        maps = activations(subject.model, subject.variables, normalized, layer)
        units = strongest_units(maps.max(axis=(0, 1, 2))[:, None], NINE).tolist()
    made = deconvnet(subject.model, subject.variables, normalized, layer, units, rule=rule)
    boxes = receptive_boxes(subject.model, image.shape, layer, made.places)
    seen, shown = photograph(image), [signed(pixels) for pixels in made.pixels]
    name = pictures.names[index] if pictures.names else f"image {index}"
    named = "units " + ", ".join(map(str, units))
    if covers(boxes[0], image.shape):
        return [Cell(seen, name), Cell(_tiles(shown, boxes), named)]
    return [Cell(seen, name, boxes=boxes), Cell(_tiles(shown, boxes), named), Cell(_tiles([seen] * len(boxes), boxes))]
