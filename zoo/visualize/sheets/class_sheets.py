"""Sheets of what supports a class: gradients, Grad-CAM and occlusion, a row per image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from PIL import Image

from zoo.inference.prediction import output_names
from zoo.models.network import Network
from zoo.models.variables import Variables
from zoo.visualize.methods.grad_cam import grad_cam
from zoo.visualize.methods.gradients import integrated_gradients, saliency, smoothgrad
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import LOGITS, check_classes, last_spatial_layer, layer_output
from zoo.visualize.methods.occlusion import Occlusion, occlusion
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork, no_progress_bar
from zoo.visualize.sheets.sheet import Sheet, draw_sheet, sheet_name
from zoo.visualize.sheets.sheet_image import SheetImage, non_negative_map, signed_map
from zoo.visualize.tiles import uint8_to_colours

Attribution = Callable[..., np.ndarray]
NOISY_COPIES = 25
GRADIENT_CAPTIONS = {
    "saliency": "The gradient of the class's logit",
    "smoothgrad": f"The gradient of the class's logit, the mean over {NOISY_COPIES} noisy copies of the image",
    "integrated_gradients": "Each pixel's contribution to the class's logit, against an image of the mean colour",
}
# This fraction of a map's values, the largest magnitudes, has the colours of the ends of the scale.
SATURATED_GRADIENTS = 0.005
# Longer names of classes do not fit above an image.
MAX_NAME, MAX_SHORT_NAME = 28, 20


@dataclass(frozen=True, eq=False)
class ExplainedImages:
    """Images of the network's size [n, height, width, channel], as uint8 and normalised, and the class to explain.

    `labels` have the image's name, and the class with its probability.
    """

    pixels: np.ndarray
    normalized: np.ndarray
    classes: list[int]
    labels: list[str]


def explain_images(network: TrainedNetwork, image_set: ImageSet, units: Sequence[int] | None) -> ExplainedImages:
    """All images with the class to explain for each.

    `units` are classes, one or one per image; None is the most probable class. Raises ZooError for a network without a
    classifier.
    """
    output_names(network.weights)
    fit = network.weights.preprocessing.fitted
    pixels = np.stack([fit(image_set.source[index]["image"]) for index in range(len(image_set))])
    normalized = network.normalized(pixels)
    given = check_classes(network.shapes, units, len(pixels))
    run = jit_cached(layer_output, network.model, LOGITS)
    logits = in_batches(lambda batch: run(network.variables, batch), 32, normalized)
    probabilities = np.asarray(jax.nn.softmax(logits.astype(np.float32)))
    classes = np.where(given < 0, probabilities.argmax(axis=-1), given).tolist()
    labels = [
        f"{image_set.names[i]}\n{network.class_name(index)[:MAX_NAME]}, {probabilities[i, index]:.1%}"
        for i, index in enumerate(classes)
    ]
    return ExplainedImages(pixels, normalized, classes, labels)


def explained_class(units: Sequence[int] | None) -> str:
    """For captions."""
    return "the most probable class" if units is None else "the class given with --units"


def gradient_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    method: str,
    units: Sequence[int] | None,
    *,
    seed: int,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """A row per image: the image, the gradient summed over the channels, and its largest magnitude over them.

    `method` is one of saliency, smoothgrad and integrated_gradients.
    """
    explained = explain_images(network, image_set, units)
    attribute = _attribution(method, seed)
    rows = []
    count = len(explained.classes)
    for i in progress_bar(range(count), total=count, description=method):
        image, classes = explained.normalized[i : i + 1], [explained.classes[i]]
        gradient = attribute(network.model, network.variables, image, classes=classes)[0]
        total, largest = gradient.sum(axis=-1), np.abs(gradient).max(axis=-1)
        rows.append(
            [
                SheetImage(uint8_to_colours(explained.pixels[i]), explained.labels[i]),
                signed_map(total, "sum over the channels", high=_scale_limit(total), bar=True),
                non_negative_map(largest, "largest magnitude of the channels", high=_scale_limit(largest), bar=True),
            ]
        )
    brightness = "red where a brighter pixel raises the logit, blue where it lowers it"
    colours = "red supports the class, blue opposes it" if method == "integrated_gradients" else brightness
    caption = (
        f"{network.description}; {image_set.description}; layer: the logits.\n"
        f"{GRADIENT_CAPTIONS[method]}, for {explained_class(units)}, with its probability above each image. Middle: "
        f"white is zero, {colours}. Each map has its own scale, shown under it; the largest {SATURATED_GRADIENTS:.1%} "
        "of its magnitudes have the colours of its ends."
    )
    title = f"{network.weights.model}, {method.replace('_', ' ')}"
    return draw_sheet(sheet_name(method), rows, title, caption, image_width=2.4)


def _attribution(method: str, seed: int) -> Attribution:
    if method == "smoothgrad":
        return partial(_smoothgrad, jax.random.key(seed))
    methods: dict[str, Attribution] = {"saliency": saliency, "integrated_gradients": integrated_gradients}
    return methods[method]


def _smoothgrad(
    key: jax.Array, model: Network, variables: Variables, images: np.ndarray, classes: Sequence[int]
) -> np.ndarray:
    return smoothgrad(model, variables, images, key, classes, samples=NOISY_COPIES)


def _scale_limit(values: np.ndarray) -> float:
    return float(np.quantile(np.abs(values), 1 - SATURATED_GRADIENTS))


def grad_cam_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str | None,
    units: Sequence[int] | None,
    *,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """A row per image: the image, Grad-CAM at the layer, and both together."""
    explained = explain_images(network, image_set, units)
    layer = layer or last_spatial_layer(network.model, network.shapes)
    rows = []
    count = len(explained.classes)
    for i in progress_bar(range(count), total=count, description=f"{layer}: Grad-CAM"):
        normalized, classes = explained.normalized[i : i + 1], [explained.classes[i]]
        cam = grad_cam(network.model, network.variables, normalized, classes, layer=layer)[0]
        image = uint8_to_colours(explained.pixels[i])
        rows.append(
            [
                SheetImage(image, explained.labels[i]),
                non_negative_map(cam, "{} x {} positions".format(*cam.shape), bar=True),
                non_negative_map(_resize(cam, image.shape[:2]), "enlarged, over the image", background=_grey(image)),
            ]
        )
    caption = (
        f"{network.description}; {image_set.description}; layer {layer}.\n"
        "Grad-CAM: the sum of the layer's maps, each weighted by the mean gradient of the class's logit, without "
        f"negative values, for {explained_class(units)}, with its probability above each image. Dark is zero; each "
        "image has its own scale."
    )
    title = f"{network.weights.model}, Grad-CAM at {layer}"
    return draw_sheet(sheet_name("grad_cam", layer), rows, title, caption, image_width=2.4)


def _resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR))


def _grey(colours: np.ndarray) -> np.ndarray:
    return np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)


def occlusion_sheet(
    network: TrainedNetwork,
    image_set: ImageSet,
    layer: str | None,
    units: Sequence[int] | None,
    *,
    progress_bar: ProgressBar = no_progress_bar,
) -> Sheet:
    """The paper's Figure 7, a row per image: the class's probability, the strongest map, the most probable class."""
    explained = explain_images(network, image_set, units)
    layer = layer or last_spatial_layer(network.model, network.shapes)
    rows = []
    count = len(explained.classes)
    for i in progress_bar(range(count), total=count, description="occlusion"):
        normalized, class_index = explained.normalized[i], explained.classes[i]
        result = occlusion(network.model, network.variables, normalized, class_index, layer=layer)
        square = np.array([0, 0, result.size, result.size])
        image = SheetImage(uint8_to_colours(explained.pixels[i]), explained.labels[i], boxes=(square,))
        rows.append([image, *_occlusion_maps(network, result)])
    caption = (
        f"{network.description}; {image_set.description}; layer {layer}, its unit with the largest sum.\n"
        "A square of the mean colour, drawn in the corner at its size, covers a part of the image. The class is "
        f"{explained_class(units)}, with its probability above the image. For each position of the square: the "
        "probability of the class, from 0 to 1; the sum of the unit's map, on its own scale; light where the class is "
        "still the most probable, with the most frequent other class above."
    )
    title = f"{network.weights.model}, occlusion by a grey square"
    return draw_sheet(sheet_name("occlusion", layer), rows, title, caption, image_width=2.2)


def _occlusion_maps(network: TrainedNetwork, result: Occlusion) -> list[SheetImage]:
    unchanged = (result.labels == result.label).astype(float)
    others = result.labels[result.labels != result.label]
    changed_to = network.class_name(int(np.bincount(others).argmax()))[:MAX_SHORT_NAME] if len(others) else ""
    activity_map = non_negative_map if result.activity.min() >= 0 else signed_map
    return [
        SheetImage(result.probability, "probability of the class", colour_map="viridis", bar=True),
        activity_map(result.activity, f"sum of unit {result.unit}", bar=True),
        SheetImage(
            unchanged,
            f'unchanged, else "{changed_to}"' if changed_to else "unchanged everywhere",
            colour_map="gray",
            low=-0.2,
            high=1.2,
        ),
    ]
