"""Zeiler and Fergus's Figure 2 on a page: the strongest activations projected to the pixels, beside the images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.report.learned.activation_survey import ActivationSurvey
from zoo.report.learned.batched_projection import ActivationGroup, project_groups
from zoo.report.learned.example_images import ExampleImages
from zoo.report.page_image import PageImage, add_alpha, embed_image, shrink, tile_images, to_uint8
from zoo.visualize.methods.backward_rules import Rule
from zoo.visualize.methods.receptive_boxes import patch, receptive_boxes
from zoo.visualize.methods.unit_choice import diverse_units, units_at_distinct_positions
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, default_rule
from zoo.visualize.projection_groups import SATURATED_FRACTION, UNITS_PER_SHEET, ProjectionGroup, trim_boxes, unit_label
from zoo.visualize.tiles import covers_image, limit_box, signed_to_colours

COLUMNS = 3
# The largest side of a tile in pixels; smaller tiles are enlarged by a whole factor to about the smallest side.
MAX_TILE, MIN_TILE = 96, 30
# A tile is this many times as large as the gap between tiles.
TILE_TO_GAP = 24


@dataclass(frozen=True)
class ProjectionPair:
    """The projections of one unit, or for one photograph, and the parts of the images that they are of."""

    label: str
    projections: PageImage
    patches: PageImage


@dataclass(frozen=True)
class LayerProjections:
    """The pairs of a layer; `cropping` says how the tiles are cropped, `whole` that they are the whole image."""

    layer: str
    cropping: str
    whole: bool
    pairs: tuple[ProjectionPair, ...]


@dataclass(frozen=True)
class Projections:
    """The projections of a few layers, the backward rule, and why it is not the deconvnet's ("" if it is).

    `by_unit` says whether a pair is of one unit, or of one photograph. `saturated_fraction` of a projection's values,
    the largest magnitudes, are drawn as black or white.
    """

    rule: Rule
    why: str
    by_unit: bool
    saturated_fraction: float
    layers: tuple[LayerProjections, ...]


def project_strongest(
    trained: TrainedNetwork,
    image_set: ImageSet,
    examples: ExampleImages,
    survey: ActivationSurvey | None,
    *,
    progress_bar: ProgressBar,
) -> Projections:
    """Project the strongest activations of a survey; without survey, those in each of the examples."""
    rule, why = default_rule(trained)
    groups: dict[str, list[ActivationGroup]] = {}
    for layer in examples.outputs:
        if survey:
            groups[layer] = _groups_by_unit(trained, image_set, survey, layer)
        else:
            groups[layer] = _groups_by_image(trained, examples, layer)
    all_groups = [group for of_layer in groups.values() for group in of_layer]
    projected = iter(project_groups(trained, all_groups, rule, progress_bar=progress_bar))
    layers = tuple(
        _layer_projections(layer, [(group, next(projected)) for group in of_layer])
        for layer, of_layer in groups.items()
    )
    return Projections(
        rule=rule,
        why=why,
        by_unit=survey is not None,
        saturated_fraction=SATURATED_FRACTION,
        layers=layers,
    )


def _groups_by_unit(
    trained: TrainedNetwork, image_set: ImageSet, survey: ActivationSurvey, layer: str
) -> list[ActivationGroup]:
    """For each of nine units its strongest activations."""
    top, groups = survey.top_activations[layer], []
    for unit in diverse_units(top.values, top.images, survey.labels, UNITS_PER_SHEET).tolist():
        found = [image_set.source[int(image)] for image in top.images[unit]]
        images = np.stack([trained.weights.preprocessing.fitted(example["image"]) for example in found])
        labels = [example["label"] for example in found]
        groups.append(
            ActivationGroup(
                layer=layer,
                label=unit_label(image_set, unit, top.values[unit, 0], labels),
                images=images,
                units=np.full(len(images), unit),
                positions=top.positions[unit],
                boxes=top.boxes[unit],
            )
        )
    return groups


def _groups_by_image(trained: TrainedNetwork, examples: ExampleImages, layer: str) -> list[ActivationGroup]:
    """For each image the strongest activation of each of nine units."""
    groups = []
    for name, image, maps in zip(examples.names, examples.images, examples.outputs[layer], strict=True):
        units = units_at_distinct_positions(maps.astype(np.float32), UNITS_PER_SHEET)
        strongest = maps.reshape(-1, maps.shape[-1])[:, units].argmax(axis=0)
        positions = np.stack(np.unravel_index(strongest, maps.shape[:2]), axis=-1)
        groups.append(
            ActivationGroup(
                layer=layer,
                label=f"{name} · units " + ", ".join(map(str, units)),
                images=np.broadcast_to(image, (len(units), *image.shape)),
                units=units,
                positions=positions,
                boxes=receptive_boxes(trained.model, image.shape, layer, positions),
                of_one_image=True,
            )
        )
    return groups


def _layer_projections(layer: str, projected: Sequence[tuple[ActivationGroup, np.ndarray]]) -> LayerProjections:
    groups, cropping = trim_boxes(
        [ProjectionGroup(pixels, group.images, group.boxes, group.label) for group, pixels in projected]
    )
    whole = covers_image(groups[0].boxes[0], groups[0].images.shape[1:])
    # If every tile is the same whole photograph, it is shown once.
    pairs = (
        _pair(layer, group, show_once=whole and activations.of_one_image)
        for group, (activations, _) in zip(groups, projected, strict=True)
    )
    return LayerProjections(layer, cropping, whole, tuple(pairs))


def _pair(layer: str, group: ProjectionGroup, *, show_once: bool) -> ProjectionPair:
    alt, channels = f"{layer}, {group.label}", group.images.shape[-1]
    tiles = [to_uint8(signed_to_colours(pixels, SATURATED_FRACTION), channels) for pixels in group.pixels]
    projections = _tile_boxes(tiles, group.boxes, f"{alt}: strongest activations projected to the pixels")
    if show_once:
        image = embed_image(group.images[0], f"{alt}: the image", max_side=COLUMNS * MAX_TILE)
    else:
        image = _tile_boxes(group.images, group.boxes, f"{alt}: the same parts of the images")
    return ProjectionPair(group.label, projections, image)


def _tile_boxes(images: Iterable[np.ndarray], boxes: np.ndarray, alt: str) -> PageImage:
    """The parts of the images in the boxes, as tiles; transparent outside of the images."""
    patches = [patch(add_alpha(image), limit_box(box, image.shape)) for image, box in zip(images, boxes, strict=True)]
    factor = max(1, round(MIN_TILE / len(patches[0])))
    tiles = [shrink(tile, MAX_TILE).repeat(factor, axis=0).repeat(factor, axis=1) for tile in patches]
    return embed_image(tile_images(tiles, COLUMNS, gap=max(2, len(tiles[0]) // TILE_TO_GAP)), alt)
