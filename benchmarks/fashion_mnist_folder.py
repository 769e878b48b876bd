"""A folder of class folders from the IDX files of Fashion-MNIST: python benchmarks/fashion_mnist_folder.py IDX OUT

OUT/train and OUT/test get the first images of each class, a hundred by default, as PNG files of 28x28 grey pixels.
"""

import argparse
from collections import Counter
from pathlib import Path

from PIL import Image

from zoo.commands.arguments.types import InRange
from zoo.data.dataset import Source
from zoo.data.sources.idx import open_idx
from zoo.runtime.limits import POSITIVE_COUNT

CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def write_first(source: Source, folder: Path, count: int) -> None:
    """The first `count` images of each class, each in the folder of its class."""
    written: Counter[int] = Counter()
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for i in range(len(source)):
        example = source[i]
        label = example["label"]
        if written[label] < count:
            Image.fromarray(example["image"][..., 0]).save(folder / CLASSES[label] / f"{i:05}.png")
            written[label] += 1


def main() -> None:
    """Write both parts."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("idx", type=Path, help="the folder with the four IDX files, gzipped or not")
    arguments.add_argument("out", type=Path, help="the folder to write")
    arguments.add_argument(
        "--count", type=InRange(POSITIVE_COUNT), default=100, help="images per class, in each part (default: 100)"
    )
    given = arguments.parse_args()
    dataset = open_idx(given.idx)
    write_first(dataset.train, given.out / "train", given.count)
    write_first(dataset.test, given.out / "test", given.count)


if __name__ == "__main__":
    main()
