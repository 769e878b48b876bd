"""The images that a command shows: --images, --dataset, or what the network was trained on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import (
    add_skip_unreadable,
    check_data_dir,
    named_dataset,
    unreadable_images,
)
from zoo.commands.arguments.images import STANDARD_INPUT, image_paths, load_image
from zoo.commands.arguments.remembered_data import weights_dataset
from zoo.commands.arguments.types import InRange, path
from zoo.printable import printable
from zoo.runtime.console import print_note
from zoo.runtime.limits import POSITIVE_COUNT

if TYPE_CHECKING:
    import numpy as np

    from zoo.data import Example, Source, UnreadableImages
    from zoo.visualize.network_and_images import ImageSet, TrainedNetwork

# In captions; more files are counted.
MAX_NAMES = 3


def add_image_set_arguments(parser: argparse.ArgumentParser) -> None:
    """--images, --dataset, --data-dir, --limit and --skip-unreadable, for `chosen_images`."""
    parser.add_argument("--images", nargs="+", metavar="IMAGE", help="image files, folders of images, or - (stdin)")
    parser.add_argument(
        "--dataset",
        metavar="DATA",
        help="digits, a folder, hf://datasets/..., or a TFDS name: its test images",
    )
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="the folder of the TFDS data sets")
    parser.add_argument(
        "--limit", type=InRange(POSITIVE_COUNT), metavar="N", help="only N images of the data set, evenly spaced"
    )
    add_skip_unreadable(parser)


def check_images(args: argparse.Namespace) -> None:
    """Raises ZooError for an image that does not exist, and for a --data-dir without effect.

    Call it before weights are downloaded.
    """
    check_data_dir(args.dataset, args.data_dir)
    for argument in args.images or ():
        image_paths(argument)


def chosen_images(args: argparse.Namespace, network: TrainedNetwork, rows: int | None) -> ImageSet:
    """The images of --images, the test images of --dataset, or those of the data set that the network was trained on.

    Of a data set, `rows` (or --limit) images of different classes; all, or --limit, if `rows` is None. Raises ZooError
    if there is no data set, or both arguments are given.
    """
    from zoo.errors import ZooError

    if args.images and args.dataset:
        raise ZooError("--images and --dataset are both given: give one of them")
    return _image_files(args) if args.images else _test_images(args, network, rows)


def _image_files(args: argparse.Namespace) -> ImageSet:
    from zoo.data.unreadable import readable_indices
    from zoo.errors import ZooError
    from zoo.visualize.network_and_images import ImageSet

    listed = (image_paths(argument, note_left_out=True) for argument in args.images)
    paths = [path for part in listed for path in part][: args.limit]
    # Standard input can be read only once.
    loaded = [load_image(path) if path == STANDARD_INPUT else None for path in paths]
    # Images that cannot be read are an error before anything is drawn.
    unreadable = unreadable_images(args)
    kept = readable_indices(ImageFiles(paths, loaded), unreadable)
    if unreadable.count:
        print_note(unreadable.describe())
    if not kept:
        raise ZooError("none of the images can be read: give others with --images")
    files = ImageFiles([paths[index] for index in kept], [loaded[index] for index in kept])
    names = tuple("standard input" if path == STANDARD_INPUT else printable(Path(path).name) for path in files.paths)
    description = f"{len(names)} images" if len(names) > MAX_NAMES else ", ".join(names)
    return ImageSet(files, description, names)


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """A source of images of unknown class (label -1) and any size, each read when it is used unless in `loaded`."""

    paths: Sequence[str]
    loaded: Sequence[np.ndarray | None]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Example:
        image = self.loaded[index]
        return {"image": load_image(self.paths[index]) if image is None else image, "label": -1}


def _test_images(args: argparse.Namespace, network: TrainedNetwork, rows: int | None) -> ImageSet:
    from zoo.inference.class_outputs import are_placeholders, is_other_dataset
    from zoo.visualize.network_and_images import SEARCHED_IMAGES, EvenlySpaced, ImageSet, one_image_per_class

    advice = "give its folder with --dataset, or other images with --images"
    named = named_dataset(args.dataset, args.data_dir) if args.dataset else None
    dataset = weights_dataset(network.weights, named, args.data_dir, advice)
    names, network_names = dataset.class_names, network.weights.class_names
    same_classes = len(network_names) == len(names) and not is_other_dataset(network.weights, dataset.name)
    # IDX files have numbers instead of names.
    if same_classes and are_placeholders(names, dataset.name):
        names = network_names
    unreadable = unreadable_images(args, network.weights.data)
    if rows:
        searched = EvenlySpaced(dataset.test, SEARCHED_IMAGES) if unreadable.limit else dataset.test
        source = _readable(searched, unreadable)
        return one_image_per_class(source, f"{dataset.name}, test images", names, args.limit or rows)
    source = _readable(EvenlySpaced(dataset.test, args.limit or len(dataset.test)), unreadable)
    total = "" if len(source) == len(dataset.test) else f" of {len(dataset.test)}"
    description = f"{dataset.name}, {len(source)}{total} test images"
    return ImageSet(source, description, class_names=names, dataset=dataset.name)


def _readable(source: Source, unreadable: UnreadableImages) -> Source:
    """The images of the source without those that may be left out; a line says how many these are."""
    from zoo.data.unreadable import only_readable

    readable = only_readable(source, unreadable)
    if unreadable.count:
        print_note(unreadable.describe())
    return readable
