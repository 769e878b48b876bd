"""Images of a data set in the form in which an exported file takes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from zoo.data import Preprocessing, Source, UnreadableImages, eval_batches
from zoo.data.dataset import Example
from zoo.data.evenly_spaced import evenly_spaced_indices
from zoo.export.options import ExportOptions

BATCH_SIZE = 32


class LabelledImages(NamedTuple):
    """A batch. A file for one batch size gets that many images: the first ones again, after those that have labels."""

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class _Part:
    """Some examples of a source."""

    source: Source
    indices: Sequence[int]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Example:
        return self.source[self.indices[index]]


def labelled_images(
    source: Source,
    limit: int,
    preprocessing: Preprocessing,
    options: ExportOptions,
    *,
    unreadable: UnreadableImages | None = None,
    classes: int | None = None,
) -> Iterator[LabelledImages]:
    """At most `limit` examples, at equal distances; images that cannot be read are left out.

    Raises DataError as `eval_batches`, with `classes` also for a label that is none of them.
    """
    chosen = _Part(source, evenly_spaced_indices(len(source), limit))
    batches = eval_batches(
        chosen,
        preprocessing=preprocessing,
        batch_size=options.batch or BATCH_SIZE,
        classes=classes,
        unreadable=unreadable,
    )
    for batch in batches:
        pixels, labels = batch["image"][batch["mask"]], batch["label"][batch["mask"]]
        if not len(labels):
            continue
        if options.batch:
            pixels = np.resize(pixels, (options.batch, *pixels.shape[1:]))
        images = pixels if options.input_dtype == "uint8" else np.asarray(preprocessing.normalized(jnp.asarray(pixels)))
        yield LabelledImages(images, labels)
