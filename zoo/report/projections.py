"""Zeiler and Fergus's Figure 2 on a page: what excites a unit most, projected to the pixels, beside the images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.report.raster import Raster, as_bytes, opaque, raster, smaller, tiled
from zoo.report.samples import Samples
from zoo.report.survey import Survey
from zoo.visualize.projection_sheets import NINE, SATURATING, Projected, of_image, of_unit, spare_margin
from zoo.visualize.receptive import patch
from zoo.visualize.rules import Rule
from zoo.visualize.subject import Pictures, Subject, Track, default_rule, strongest_units, varied_units
from zoo.visualize.tiles import covers, shrunk, signed, within
from zoo.visualize.top_activations import TopActivations

COLUMNS = 3
# Pixels a side that a tile has at most, and about, once enlarged by whole pixels, at least.
TILE, SMALLEST = 96, 30
# A tile's side, in gaps between tiles.
GAPS = 24
# From so many images on they are searched; of fewer, each is shown.
MANY = 9


@dataclass(frozen=True)
class Group:
    """A unit of a data set, or a photograph: nine projections, and the images where those are."""

    label: str
    projections: Raster
    patches: Raster


@dataclass(frozen=True)
class ProjectionSheet:
    """The groups of a layer, and how its tiles are cut, in words; `whole` where a tile is the whole image."""

    layer: str
    cutting: str
    whole: bool
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Projections:
    """The sheets of a few layers, the rule that the signal goes down by, and why it is not the usual one.

    `by_unit` groups are of units; else of photographs. `saturating` is the share of a projection that lies at the ends
    of its scale.
    """

    rule: Rule
    why: str
    by_unit: bool
    saturating: float
    sheets: tuple[ProjectionSheet, ...]


def projections(
    subject: Subject,
    pictures: Pictures,
    found: Survey,
    seen: Samples,
    *,
    track: Track,
) -> Projections:
    """Of the strongest activations in a data set, or of few photographs those in each."""
    rule, why = default_rule(subject)
    by_unit = len(pictures) >= MANY
    sheets = []
    for layer, top in track(
        found.strongest.items(), total=len(found.strongest), description="projecting to the pixels"
    ):
        groups = (
            _of_units(subject, pictures, top, found.labels, rule) if by_unit else _of_images(subject, seen, layer, rule)
        )
        sheets.append(_sheet(layer, groups))
    return Projections(rule, why, by_unit, SATURATING, tuple(sheets))


def _of_units(
    subject: Subject, pictures: Pictures, found: TopActivations, labels: np.ndarray, rule: Rule
) -> list[Projected]:
    units = varied_units(found.values, found.images, labels, NINE).tolist()
    return [of_unit(subject, pictures, found, unit, rule) for unit in units]


def _of_images(subject: Subject, seen: Samples, layer: str, rule: Rule) -> list[Projected]:
    """Nine units each, the most active there."""
    groups = []
    for index, name in enumerate(seen.names):
        units = strongest_units(seen.outputs[layer][index].max(axis=(0, 1))[:, None], NINE).tolist()
        made = of_image(subject, seen.pictures, index, layer, units, rule)
        groups.append(replace(made, label=f"{name} · {made.label}"))
    return groups


def _sheet(layer: str, groups: Sequence[Projected]) -> ProjectionSheet:
    margin, cutting = spare_margin(groups)
    whole = covers(groups[0].boxes[0], groups[0].images.shape[1:])
    made = tuple(_group(layer, group, shrunk(group.boxes, margin)) for group in groups)
    return ProjectionSheet(layer, cutting, whole, made)


def _group(layer: str, group: Projected, boxes: np.ndarray) -> Group:
    channels = group.images.shape[-1]
    down = [as_bytes(signed(pixels, SATURATING), channels) for pixels in group.pixels]
    return Group(
        group.label,
        _mosaic(down, boxes, f"{layer}, {group.label}: strongest activations projected to the pixels"),
        _mosaic(group.images, boxes, f"{layer}, {group.label}: the images there"),
    )


def _mosaic(images: Sequence[np.ndarray], boxes: np.ndarray, alt: str) -> Raster:
    """What the boxes hold, with nothing at all beyond the borders of the images."""
    seen = [patch(opaque(image), within(box, image.shape)) for image, box in zip(images, boxes, strict=True)]
    enlarged = max(1, round(SMALLEST / len(seen[0])))
    tiles = [smaller(tile, TILE).repeat(enlarged, axis=0).repeat(enlarged, axis=1) for tile in seen]
    return raster(tiled(tiles, COLUMNS, gap=max(2, len(tiles[0]) // GAPS)), alt)
