"""Evaluate a network on a data set's test split; without --dataset, of the data set that it was trained on.

zoo evaluate --dataset imagenet2012 --model efficientnet_lite0
zoo evaluate --dataset ~/flowers --checkpoint checkpoints/googlenet-flowers --confusion confusion.png
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
    inference_weights,
    print_source,
)
from zoo.runtime.limits import BATCH_SIZE

if TYPE_CHECKING:
    from zoo.inference.evaluation import Evaluation

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
    parser.add_argument("--confusion", type=path, metavar="PNG", help="draw the confusion matrix into this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with the confusion matrix")
    add_skip_unreadable(parser)
    add_weights_arguments(parser)
    add_inference_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Print top-1 and top-5 accuracy, and one row per class."""
    import json

    from zoo.inference.evaluation import evaluate
    from zoo.training import enable_compilation_cache
    from zoo.visualize.sheets.confusion import save_confusion
    from zoo.visualize.sheets.figure_file import check_figure_path

    if args.confusion:
        check_figure_path(args.confusion)
    check_data_dir(args.dataset, args.data_dir)
    # Before the weights, which may have to be downloaded.
    named = named_dataset(args.dataset, args.data_dir) if args.dataset else None
    weights = inference_weights(args)
    dataset = weights_dataset(weights, named, args.data_dir)
    unreadable = unreadable_images(args, weights.data)
    enable_compilation_cache()
    result = evaluate(weights, dataset, batch_size=args.batch_size, dtype=args.dtype, unreadable=unreadable)
    print_source(weights)
    if unreadable.count:
        print_note(unreadable.describe())
    if args.confusion:
        save_confusion(args.confusion, result.confusion, result.class_names)
    if args.json:
        print(json.dumps({"model": weights.model, "dataset": dataset.name, **result.to_json()}))
    else:
        print(f"{weights.model} on {dataset.name}: {result.images} test images, {len(result.class_names)} classes\n")
        print(_as_text(result))


def _as_text(result: Evaluation) -> str:
    from zoo.inference.evaluation import RESULT_LEFT, RESULT_TITLES
    from zoo.runtime.text_tables import aligned_table

    lines = [f"top-1 accuracy  {result.top1_accuracy:.4f}"]
    if result.top5_accuracy is not None:
        lines.append(f"top-5 accuracy  {result.top5_accuracy:.4f}")
    rows = [row.cells() for row in result.per_class()]
    return "\n".join([*lines, "", *aligned_table(RESULT_TITLES, rows, RESULT_LEFT)])
