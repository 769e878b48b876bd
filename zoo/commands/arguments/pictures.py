"""Where `visualize` takes its pictures from: --images, --dataset, or what the network was trained on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.images import image_paths, load_image
from zoo.commands.arguments.types import positive

if TYPE_CHECKING:
    import numpy as np

    from zoo.data import Example
    from zoo.visualize.network_and_images import ImageSet, TrainedNetwork


def add_pictures_arguments(parser: argparse.ArgumentParser) -> None:
    """--images, --dataset, --data-dir and --limit, for `chosen_pictures`."""
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="image files, folders of them, or - for one")
    parser.add_argument("--dataset", metavar="DATA", help="digits, a folder, or a TFDS name: its test images")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where TFDS data sets are kept")
    parser.add_argument("--limit", type=positive, metavar="N", help="only N images of the data set, evenly chosen")


def chosen_pictures(args: argparse.Namespace, subject: TrainedNetwork, rows: int | None) -> ImageSet:
    """What --images or --dataset names, or the test images of what the weights were trained on.

    Of a data set `rows` images of different classes, or all where that is None, but no more than --limit. Raises
    ZooError where there is nothing, or two things.
    """
    from zoo.errors import ZooError

    if args.images and args.dataset:
        raise ZooError("--images and --dataset are two sources of images: give one of them")
    if args.images:
        return _photographs(args.images, args.limit)
    return _test_images(args, subject, rows)


def _photographs(places: list[str], limit: int | None) -> ImageSet:
    from zoo.visualize.network_and_images import ImageSet

    paths = [path for place in places for path in image_paths(place)][:limit]
    photographs = Photographs(paths, [load_image(path) if path == "-" else None for path in paths])
    # An image that cannot be read is told before anything is drawn.
    for index in range(len(photographs)):
        photographs[index]
    names = tuple("standard input" if path == "-" else Path(path).name for path in paths)
    about = f"{len(names)} images" if len(names) > 3 else ", ".join(names)
    return ImageSet(photographs, about, names)


@dataclass(frozen=True, eq=False)
class Photographs:
    """A source of images of unknown class, as large as they are: read when they are wanted, but for what is given."""

    paths: Sequence[str]
    given: Sequence[np.ndarray | None]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Example:
        image = self.given[index]
        return {"image": load_image(self.paths[index]) if image is None else image, "label": -1}


def _test_images(args: argparse.Namespace, subject: TrainedNetwork, rows: int | None) -> ImageSet:
    from zoo.data import DataError, open_dataset
    from zoo.errors import ZooError
    from zoo.inference.evaluation import of_another_data_set, stand_for_names
    from zoo.visualize.network_and_images import EvenlySpaced, ImageSet, one_image_per_class

    name = args.dataset or subject.weights.dataset
    if not name:
        raise ZooError("these weights name no data set: give images with --images or --dataset")
    try:
        dataset = open_dataset(name, args.data_dir)
    except DataError as error:
        if args.dataset:
            raise
        raise ZooError(
            f"these weights were trained on {name!r}, which cannot be opened by that name: give its folder with "
            f"--dataset, or other images with --images ({error})"
        ) from None
    known, names = subject.weights.class_names, dataset.class_names
    of_theirs = len(known) == len(names) and not of_another_data_set(subject.weights, dataset.name)
    # IDX files have numbers for names.
    names = known if of_theirs and stand_for_names(names, dataset.name) else names
    if rows:
        return one_image_per_class(dataset.test, f"{dataset.name}, test images", names, args.limit or rows)
    source = EvenlySpaced(dataset.test, args.limit or len(dataset.test))
    some = "" if len(source) == len(dataset.test) else f" of {len(dataset.test)}"
    about = f"{dataset.name}, {len(source)}{some} test images"
    return ImageSet(source, about, class_names=names, dataset=dataset.name)
