"""Sheets of what speaks for a class: gradients, Grad-CAM and the grey square."""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import numpy as np
from PIL import Image

from zoo.inference.prediction import class_names
from zoo.visualize.methods.grad_cam import grad_cam
from zoo.visualize.methods.gradients import integrated_gradients, saliency, smoothgrad
from zoo.visualize.methods.jit_cache import in_batches, jit_cached
from zoo.visualize.methods.named_layers import LOGITS, check_classes, last_spatial_layer, layer_output
from zoo.visualize.methods.occlusion import occlusion
from zoo.visualize.network_and_images import ImageSet, ProgressBar, TrainedNetwork
from zoo.visualize.sheets.figures import Cell, from_zero, sheet_figure, zero_centred
from zoo.visualize.sheets.sheet import Sheet, sheet_name
from zoo.visualize.tiles import uint8_to_colours

Explain = Callable[..., np.ndarray]
SAMPLES = 25
GRADIENTS: dict[str, str] = {
    "saliency": "The gradient of the class's logit",
    "smoothgrad": f"The gradient of the class's logit, the mean over {SAMPLES} noisy copies of the image",
    "integrated_gradients": "Each pixel's share of the class's logit, against an image of the mean colour",
}
# The few largest magnitudes would leave all others white.
SATURATING = 0.005


def explained_classes(
    subject: TrainedNetwork, images: np.ndarray, units: Sequence[int] | None
) -> tuple[np.ndarray, list]:
    """The class to explain of each image, the most probable unless told, and a label each. Raises ZooError for none."""
    class_names(subject.weights)
    given = check_classes(subject.shapes, units, len(images))
    run = jit_cached(layer_output, subject.model, LOGITS)
    logits = in_batches(lambda batch: run(subject.variables, batch), 32, images)
    probabilities = np.asarray(jax.nn.softmax(logits))
    classes = np.where(given < 0, probabilities.argmax(axis=-1), given)
    return classes, [
        f"{subject.class_name(label)[:28]}, {probabilities[i, label]:.1%}" for i, label in enumerate(classes.tolist())
    ]


def gradient_sheet(
    subject: TrainedNetwork,
    pictures: ImageSet,
    method: str,
    units: Sequence[int] | None,
    *,
    seed: int,
    track: ProgressBar,
) -> Sheet:
    """Each image beside its signed map, summed over the channels, and its largest magnitude over them."""
    fitted, images = prepared(subject, pictures)
    classes, said = explained_classes(subject, images, units)
    explain = _explain(method, seed)
    rows = []
    for i in track(range(len(images)), total=len(images), description=method):
        made = explain(subject.model, subject.variables, images[i : i + 1], classes=[int(classes[i])])[0]
        total, largest = made.sum(axis=-1), np.abs(made).max(axis=-1)
        rows.append(
            [
                Cell(uint8_to_colours(fitted[i]), f"{pictures.names[i]}\n{said[i]}"),
                zero_centred(total, "summed over the channels", high=_most(total), bar=True),
                from_zero(largest, "largest magnitude of the channels", high=_most(largest), bar=True),
            ]
        )
    raised = "red where more light raises the logit, blue where less does"
    meaning = "red speaks for the class, blue against it" if method == "integrated_gradients" else raised
    caption = (
        f"{subject.about}; {pictures.about}; layer: the logits.\n"
        f"{GRADIENTS[method]}, {_which(units)} with its probability above each image. Middle: white is zero, "
        f"{meaning}. The scales under the maps are each map's own; the largest {SATURATING:.1%} of its magnitudes lie "
        "at its ends."
    )
    title = f"{subject.weights.model}, {method.replace('_', ' ')}"
    return Sheet(sheet_name(method), title, caption, sheet_figure(rows, title, caption, side=2.4))


def _explain(method: str, seed: int) -> Explain:
    if method == "smoothgrad":
        return partial(_smoothgrad, jax.random.key(seed))
    return {"saliency": saliency, "integrated_gradients": integrated_gradients}[method]


def _smoothgrad(key: jax.Array, model, variables, images: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    return smoothgrad(model, variables, images, key, classes, samples=SAMPLES)


def grad_cam_sheet(
    subject: TrainedNetwork, pictures: ImageSet, layer: str | None, units: Sequence[int] | None, *, track: ProgressBar
) -> Sheet:
    """Each image, the layer's weighted maps, and both together."""
    fitted, images = prepared(subject, pictures)
    classes, said = explained_classes(subject, images, units)
    layer = layer or last_spatial_layer(subject.model, subject.shapes)
    rows = []
    for i in track(range(len(images)), total=len(images), description=f"{layer}: Grad-CAM"):
        one = grad_cam(subject.model, subject.variables, images[i : i + 1], [int(classes[i])], layer=layer)[0]
        seen = uint8_to_colours(fitted[i])
        rows.append(
            [
                Cell(seen, f"{pictures.names[i]}\n{said[i]}"),
                from_zero(one, "{} x {} places".format(*one.shape), bar=True),
                from_zero(_enlarged(one, seen.shape[:2]), "enlarged, over the image", under=_grey(seen)),
            ]
        )
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}.\n"
        f"Grad-CAM: the layer's maps, each weighed by the mean gradient of the class's logit, added and rectified: "
        f"{_which(units)} with its probability above each image. Dark is zero; the scale is each image's own."
    )
    title = f"{subject.weights.model}, Grad-CAM at {layer}"
    return Sheet(sheet_name("grad_cam", layer), title, caption, sheet_figure(rows, title, caption, side=2.4))


def occlusion_sheet(
    subject: TrainedNetwork, pictures: ImageSet, layer: str | None, units: Sequence[int] | None, *, track: ProgressBar
) -> Sheet:
    """Figure 7 of the paper, a row an image: the class's probability, the strongest map, the most probable class."""
    fitted, images = prepared(subject, pictures)
    classes, said = explained_classes(subject, images, units)
    layer = layer or last_spatial_layer(subject.model, subject.shapes)
    rows = []
    for i in track(range(len(images)), total=len(images), description="the grey square"):
        found = occlusion(subject.model, subject.variables, images[i], int(classes[i]), layer=layer)
        size, seen = found.size, uint8_to_colours(fitted[i])
        other = found.labels[found.labels != found.label]
        instead = subject.class_name(int(np.bincount(other).argmax()))[:20] if len(other) else ""
        kept = (found.labels == found.label).astype(float)
        square = np.array([0, 0, size, size])
        rows.append(
            [
                Cell(seen, f"{pictures.names[i]}\n{said[i]}", boxes=(square,)),
                Cell(found.probability, "probability of the class", "viridis", 0.0, 1.0, bar=True),
                from_zero(found.activity, f"total of unit {found.unit}", bar=True)
                if found.activity.min() >= 0
                else zero_centred(found.activity, f"total of unit {found.unit}", bar=True),
                Cell(kept, f'kept; else most often "{instead}"' if instead else "kept everywhere", "gray", -0.2, 1.2),
            ]
        )
    caption = (
        f"{subject.about}; {pictures.about}; layer {layer}, its unit with the largest total.\n"
        f"A square of the mean colour, drawn in the corner at its size, goes over the image ({_which(units)} above it, "
        "with its probability). For each of its places: the probability of the class, from 0 to 1; the total of the "
        "unit's map, its scale each image's own, from 0 or round it; light where the class is still the most probable."
    )
    title = f"{subject.weights.model}, what a grey square hides"
    return Sheet(sheet_name("occlusion", layer), title, caption, sheet_figure(rows, title, caption, side=2.2))


def prepared(subject: TrainedNetwork, pictures: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """uint8 of the network's size, and normalised."""
    fit = subject.weights.preprocessing.fitted
    fitted = np.stack([fit(pictures.source[index]["image"]) for index in range(len(pictures))])
    return fitted, subject.normalized(fitted)


def _most(values: np.ndarray) -> float:
    return float(np.quantile(np.abs(values), 1 - SATURATING))


def _which(units: Sequence[int] | None) -> str:
    return "the most probable class" if units is None else "the class asked for"


def _enlarged(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR))


def _grey(colours: np.ndarray) -> np.ndarray:
    return np.repeat(colours.mean(axis=-1, keepdims=True), 3, axis=-1)
