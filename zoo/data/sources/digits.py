"""The embedded digits as a custom TFDS data set, so that the default is read in the same way as ImageNet."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image

from zoo.data.sources.arrays import test_mask

_FILE = Path(__file__).with_name("digits.npz")


class Digits(tfds.core.GeneratorBasedBuilder):
    """1,797 handwritten digits of 8 x 8 pixels (UCI optdigits, CC BY 4.0; see digits.txt)."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            homepage="https://doi.org/10.24432/C50P49",
            license="CC BY 4.0",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), encoding_format="png"),
                    "label": tfds.features.ClassLabel(names=[str(digit) for digit in range(10)]),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        is_test = test_mask(load_digits()[1])
        return {"train": self._generate_examples(~is_test), "test": self._generate_examples(is_test)}

    def _generate_examples(self, chosen: np.ndarray) -> Iterator[tuple[int, dict]]:
        images, labels = load_digits()
        for index in np.flatnonzero(chosen):
            # TFDS encodes an array with TensorFlow, and takes a file as it is.
            file = io.BytesIO()
            Image.fromarray(images[index]).save(file, "png")
            file.seek(0)
            yield int(index), {"image": file, "label": int(labels[index])}


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """The embedded images, uint8 [1797, 8, 8] with 0..16 scaled to 0..255, and labels, uint8 [1797]."""
    with np.load(_FILE) as file:
        return np.round(file["image"] * (255 / 16)).astype(np.uint8), file["label"]
