"""What is shown of weights, in a prompt and in notebooks: facts without arrays."""

import jax
import numpy as np

from zoo.data import Preprocessing
from zoo.inference.classifier import Classifier
from zoo.printable import printable, shortened
from zoo.weights.source import WeightsSource

SHOWN_CLASSES = 4
LONGEST_FACT = 200

# A name and its value.
Fact = tuple[str, str]


def facts_about(weights: Classifier, source: WeightsSource | None) -> list[Fact]:
    """Source, sizes, preprocessing, classes and data set, each on one line; what is not known is left out."""
    sizes = {
        collection: sum(int(np.size(leaf)) for leaf in jax.tree.leaves(weights.variables.get(collection, {})))
        for collection in ("params", "batch_stats")
    }
    facts = [
        ("source", str(source or "")),
        ("parameters", f"{sizes['params']:,}"),
        ("batch statistics", f"{sizes['batch_stats']:,}" if sizes["batch_stats"] else ""),
        ("images", _described(weights.preprocessing)),
        ("classes", _classes(weights.network().num_classes, weights.class_names)),
        ("data set", weights.dataset),
    ]
    return [(name, shortened(printable(value), LONGEST_FACT)) for name, value in facts if value]


def _described(preprocessing: Preprocessing) -> str:
    size = "x".join(map(str, preprocessing.image_shape))
    mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (preprocessing.mean, preprocessing.std))
    return f"{size}, {_fit(preprocessing)}, {preprocessing.interpolation}; mean {mean}; deviation {std}"


def _fit(preprocessing: Preprocessing) -> str:
    if preprocessing.fit == "pad":
        return "padded"
    part = f"{preprocessing.crop:.4g} of"
    if preprocessing.fit == "squash":
        return "the aspect ratio changed" + f", the centre, {part} each side" * (preprocessing.crop < 1)
    return "the centre" + f", {part} the shorter side" * (preprocessing.crop < 1)


def _classes(count: int, names: tuple[str, ...]) -> str:
    shown = [*names[: SHOWN_CLASSES - 1], "...", names[-1]] if len(names) > SHOWN_CLASSES else names
    return f"{count:,}: {', '.join(shown)}" if names else f"{count:,}, without names"
