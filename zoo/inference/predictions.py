"""The most probable classes of named images, as one result, which prompts and notebooks show as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import jax.numpy as jnp
import numpy as np

from zoo.data.image_inputs import ImageInputs, named_images
from zoo.inference.classifier import Classifier
from zoo.inference.prediction import Prediction, predict
from zoo.runtime.html_tables import html_table

SHOWN_IMAGES = 20


@dataclass(frozen=True, repr=False)
class Predictions(Sequence[tuple[Prediction, ...]]):
    """One item per image: its most probable classes, in descending order. `names` are the files, or "image 0"."""

    names: tuple[str, ...]
    classes: tuple[tuple[Prediction, ...], ...]

    def __len__(self) -> int:
        return len(self.classes)

    @overload
    def __getitem__(self, index: int) -> tuple[Prediction, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> "Predictions": ...
    def __getitem__(self, index: int | slice) -> "tuple[Prediction, ...] | Predictions":
        if isinstance(index, slice):
            return Predictions(self.names[index], self.classes[index])
        return self.classes[index]

    def __repr__(self) -> str:
        shown = [prediction_text(*one) for one in zip(self.names, self.classes[:SHOWN_IMAGES], strict=False)]
        return "\n\n".join(shown + ([f"and {more} more images"] if (more := len(self) - SHOWN_IMAGES) > 0 else []))

    def _repr_html_(self) -> str:
        """For notebooks: a table with a row per class."""
        rows = [
            [name if rank == 0 else "", f"{one.probability:.3f}", one.class_name]
            for name, classes in zip(self.names, self.classes, strict=True)
            for rank, one in enumerate(classes)
        ]
        return html_table(["image", "probability", "class"], rows, left=[True, False, True])


def prediction_text(name: str, classes: Sequence[Prediction]) -> str:
    """The image's name, then a line per class: its probability and its name."""
    return "\n".join([name, *(f"  {one.probability:.3f}  {one.class_name}" for one in classes)])


def predict_named(
    weights: Classifier, images: ImageInputs, *, top: int = 5, batch_size: int = 32, dtype: jnp.dtype = jnp.float32
) -> Predictions:
    """The `top` most probable classes of each image of `named_images`. Raises ZooError as that and `predict` do."""
    names: list[str] = []

    def pixels() -> Iterator[np.ndarray]:
        for image in named_images(images):
            names.append(image.name)
            yield image.pixels

    classes = tuple(map(tuple, predict(weights, pixels(), batch_size=batch_size, top=top, dtype=dtype)))
    return Predictions(tuple(names), classes)
