"""Zeiler and Fergus's Figure 2 on a page: what excites a unit most, projected to the pixels, beside the images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.html.raster import Raster, as_bytes, opaque, raster, smaller, tiled
from zoo.report.learned.activation_survey import Survey
from zoo.report.learned.batched_projection import Group, projected
from zoo.report.learned.example_images import Samples
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.receptive_boxes import patch, receptive_boxes
from zoo.visualize.methods.unit_choice import diverse_units, units_at_distinct_positions
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, default_rule
from zoo.visualize.projection_groups import SATURATED_FRACTION, UNITS_PER_SHEET, ProjectionGroup, trim_boxes, unit_label
from zoo.visualize.tiles import covers_image, limit_box, signed_to_colours

COLUMNS = 3
# Pixels a side that a tile has at most, and about, once enlarged by whole pixels, at least.
TILE, SMALLEST = 96, 30
# A tile's side, in gaps between tiles.
GAPS = 24


@dataclass(frozen=True)
class Pair:
    """A unit of a data set, or a photograph: nine projections, and the images where those are."""

    label: str
    projections: Raster
    patches: Raster


@dataclass(frozen=True)
class ProjectionSheet:
    """The pairs of a layer, and how its tiles are cut, in words; `whole` where a tile is the whole image."""

    layer: str
    cutting: str
    whole: bool
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Projections:
    """The sheets of a few layers, the rule that the signal goes down by, and why it is not the usual one.

    `by_unit` pairs are of units; else of photographs. `saturating` is the share of a projection that lies at the ends
    of its scale.
    """

    rule: Rule
    why: str
    by_unit: bool
    saturating: float
    sheets: tuple[ProjectionSheet, ...]


def projections(
    subject: TrainedNetwork, pictures: ImageSet, seen: Samples, found: Survey | None, *, track: ProgressBar
) -> Projections:
    """Of the strongest activations in all pictures, which were `found`; without, of those in each of the samples."""
    rule, why = default_rule(subject)
    groups = {
        layer: _of_units(subject, pictures, found, layer) if found else _of_images(subject, seen, layer)
        for layer in seen.outputs
    }
    made = iter(projected(subject, [group for some in groups.values() for group in some], rule, track=track))
    sheets = tuple(_sheet(layer, [(group, next(made)) for group in some]) for layer, some in groups.items())
    return Projections(rule, why, found is not None, SATURATED_FRACTION, sheets)


def _of_units(subject: TrainedNetwork, pictures: ImageSet, found: Survey, layer: str) -> list[Group]:
    """The strongest activations of each of nine units."""
    top, groups = found.strongest[layer], []
    for unit in diverse_units(top.values, top.images, found.labels, UNITS_PER_SHEET).tolist():
        examples = [pictures.source[int(image)] for image in top.images[unit]]
        images = np.stack([subject.weights.preprocessing.fitted(example["image"]) for example in examples])
        label = unit_label(pictures, unit, top.values[unit, 0], [example["label"] for example in examples])
        groups.append(Group(layer, label, images, np.full(len(images), unit), top.positions[unit], top.boxes[unit]))
    return groups


def _of_images(subject: TrainedNetwork, seen: Samples, layer: str) -> list[Group]:
    """Of each image the strongest activation of each of nine units."""
    groups = []
    for name, image, maps in zip(seen.names, seen.images, seen.outputs[layer], strict=True):
        units = units_at_distinct_positions(maps.astype(np.float32), UNITS_PER_SHEET)
        flat = maps.reshape(-1, maps.shape[-1])[:, units].argmax(axis=0)
        places = np.stack(np.unravel_index(flat, maps.shape[:2]), axis=-1)
        boxes = receptive_boxes(subject.model, image.shape, layer, places)
        label = f"{name} · units " + ", ".join(map(str, units))
        images = np.broadcast_to(image, (len(units), *image.shape))
        groups.append(Group(layer, label, images, units, places, boxes, of_one_image=True))
    return groups


def _sheet(layer: str, made: Sequence[tuple[Group, np.ndarray]]) -> ProjectionSheet:
    groups, cutting = trim_boxes(
        [ProjectionGroup(down, group.images, group.boxes, group.label) for group, down in made]
    )
    whole = covers_image(groups[0].boxes[0], groups[0].images.shape[1:])
    # Of a photograph that is seen whole, one is enough.
    pairs = (_pair(layer, made, once=whole and one.of_one_image) for made, (one, _) in zip(groups, made, strict=True))
    return ProjectionSheet(layer, cutting, whole, tuple(pairs))


def _pair(layer: str, made: ProjectionGroup, *, once: bool) -> Pair:
    said = f"{layer}, {made.label}"
    drawn = [as_bytes(signed_to_colours(pixels, SATURATED_FRACTION), made.images.shape[-1]) for pixels in made.pixels]
    projections = _mosaic(drawn, made.boxes, f"{said}: strongest activations projected to the pixels")
    if once:
        return Pair(made.label, projections, raster(made.images[0], f"{said}: the image", most=COLUMNS * TILE))
    return Pair(made.label, projections, _mosaic(made.images, made.boxes, f"{said}: the images there"))


def _mosaic(images: Sequence[np.ndarray], boxes: np.ndarray, alt: str) -> Raster:
    """What the boxes hold, with nothing at all beyond the borders of the images."""
    seen = [patch(opaque(image), limit_box(box, image.shape)) for image, box in zip(images, boxes, strict=True)]
    enlarged = max(1, round(SMALLEST / len(seen[0])))
    tiles = [smaller(tile, TILE).repeat(enlarged, axis=0).repeat(enlarged, axis=1) for tile in seen]
    return raster(tiled(tiles, COLUMNS, gap=max(2, len(tiles[0]) // GAPS)), alt)
