"""Evaluate a network on a data set's test split; without --dataset, of the data set that it was trained on.

Several networks (--ensemble) and several views of each image (--views) are averaged.

zoo evaluate --dataset imagenet2012 --model efficientnet_lite0
zoo evaluate --dataset ~/flowers --checkpoint checkpoints/googlenet-flowers --confusion confusion.png
zoo evaluate --dataset ~/imagenet-a --model googlenet --split all --views 144 --reliability reliability.svg
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import (
    add_skip_unreadable,
    check_data_dir,
    named_dataset,
    print_note,
    unreadable_images,
)
from zoo.commands.arguments.remembered_data import weights_dataset
from zoo.commands.arguments.types import InRange, path
from zoo.commands.arguments.weights import (
    add_inference_arguments,
    add_weights_arguments,
    further_weights,
    inference_weights,
    print_source,
)
from zoo.runtime.limits import BATCH_SIZE

if TYPE_CHECKING:
    from zoo.inference.evaluation_result import Evaluation

_SPLITS = {"test": "test", "train": "training"}
HELP = "evaluate a network on a data set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `evaluate`."""
    parser.add_argument(
        "--dataset",
        metavar="DATA",
        help="digits, a folder, hf://datasets/..., or a TFDS name (default: what the weights were trained on)",
    )
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="the folder of TFDS data sets")
    parser.add_argument(
        "--batch-size", type=InRange(BATCH_SIZE), default=64, metavar="N", help="images per batch (default: 64)"
    )
    parser.add_argument(
        "--split",
        choices=("test", "train", "all"),
        default="test",
        help="which images; all is for data sets that are made for testing only (default: test)",
    )
    parser.add_argument(
        "--views",
        type=int,
        choices=(1, 2, 10, 144),
        default=1,
        help="views of each image that are averaged: 1 the centre, 2 with the mirror image, 10 corners and centre with "
        "mirror images, 144 the crops of GoogLeNet (default: 1)",
    )
    parser.add_argument(
        "--ensemble",
        type=path,
        action="append",
        default=[],
        metavar="DIR",
        help="a further run folder or weights file, whose probabilities are averaged with the others; may be repeated",
    )
    parser.add_argument(
        "--real-labels",
        type=path,
        metavar="FILE",
        help="real.json of ReaL: the classes that are in each validation image of ImageNet",
    )
    parser.add_argument(
        "--reliability", type=path, metavar="FILE", help="draw accuracy by confidence: .png, .svg or .pdf"
    )
    parser.add_argument("--confusion", type=path, metavar="FILE", help="draw the confusion matrix: .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with the confusion matrix")
    add_skip_unreadable(parser)
    add_weights_arguments(parser)
    add_inference_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Print top-1 and top-5 accuracy, and one row per class."""
    import json

    from zoo.inference.evaluation import evaluate
    from zoo.inference.real_labels import read_real_labels
    from zoo.training import enable_compilation_cache
    from zoo.visualize.sheets.confusion import save_confusion
    from zoo.visualize.sheets.figure_file import check_figure_path
    from zoo.visualize.sheets.reliability import save_reliability

    for figure in (args.confusion, args.reliability):
        if figure:
            check_figure_path(figure)
    real_labels = read_real_labels(args.real_labels) if args.real_labels else None
    check_data_dir(args.dataset, args.data_dir)
    # Before the weights, which may have to be downloaded.
    named = named_dataset(args.dataset, args.data_dir) if args.dataset else None
    weights = inference_weights(args)
    others = [further_weights(one, args) for one in args.ensemble]
    dataset = weights_dataset(weights, named, args.data_dir)
    unreadable = unreadable_images(args, weights.data)
    enable_compilation_cache()
    result = evaluate(
        [weights, *others],
        dataset,
        batch_size=args.batch_size,
        dtype=args.dtype,
        unreadable=unreadable,
        views=args.views,
        split=args.split,
        real_labels=real_labels,
    )
    for one in (weights, *others):
        print_source(one)
    if unreadable.count:
        print_note(unreadable.describe())
    if args.confusion:
        save_confusion(args.confusion, result.confusion, result.class_names)
    if args.reliability:
        save_reliability(args.reliability, result.calibration)
    if args.json:
        print(json.dumps({"model": weights.model, "dataset": dataset.name, **result.to_json()}))
    else:
        models = " and ".join(one.model for one in (weights, *others))
        images = f"{result.images} images" if args.split == "all" else f"{result.images} {_SPLITS[args.split]} images"
        print(f"{models} on {dataset.name}: {images}, {len(result.class_names)} classes\n")
        print(_as_text(result))


def _as_text(result: Evaluation) -> str:
    from zoo.inference.evaluation_result import RESULT_LEFT, RESULT_TITLES
    from zoo.runtime.text_tables import aligned_table

    lines = [f"top-1 accuracy  {result.top1_accuracy:.4f}"]
    if result.top5_accuracy is not None:
        lines.append(f"top-5 accuracy  {result.top5_accuracy:.4f}")
    if result.real:
        lines.append(f"ReaL accuracy   {result.real.accuracy:.4f} of {result.real.images} images with labels")
    lines.append(f"calibration     {result.calibration_error:.4f} expected error, {len(result.calibration)} bins")
    if result.images_per_second:
        views = f", {result.views} views each" if result.views > 1 else ""
        lines.append(f"speed           {result.images_per_second:.1f} images/s{views}")
    rows = [row.cells() for row in result.per_class()]
    return "\n".join([*lines, "", *aligned_table(RESULT_TITLES, rows, RESULT_LEFT)])
