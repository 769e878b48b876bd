"""Whether a network is exported in int8, and the images that it is calibrated with: --quantize and --calibrate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import add_skip_unreadable, check_data_dir, named_dataset
from zoo.commands.arguments.types import path
from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.data import Dataset

QUANTIZED_TYPES = ("int8",)


def add_quantization_arguments(parser: argparse.ArgumentParser) -> None:
    """--quantize, --calibrate, --data-dir and --skip-unreadable, for `calibration_dataset`."""
    group = parser.add_argument_group("int8", "integers instead of floats, for ONNX; needs onnxruntime")
    group.add_argument("--quantize", choices=QUANTIZED_TYPES, help="type of weights and activations")
    group.add_argument(
        "--calibrate",
        metavar="DATA",
        help="a folder, a TFDS name or digits: its training images give the ranges of activations, and the accuracy "
        "on its test images is printed, before and after",
    )
    group.add_argument("--data-dir", type=path, metavar="DIR", help="the folder of TFDS data sets")
    add_skip_unreadable(group)


def calibration_dataset(args: argparse.Namespace) -> Dataset | None:
    """The data set of --calibrate, None without --quantize. Raises ZooError where one of the flags lacks another."""
    if not args.quantize:
        if args.calibrate or args.data_dir or args.skip_unreadable:
            flag = "--calibrate" if args.calibrate else "--data-dir" if args.data_dir else "--skip-unreadable"
            raise ZooError(f"{flag} has no effect here: it is for --quantize int8")
        return None
    if args.to != "onnx":
        raise ZooError(f"--quantize {args.quantize} is for ONNX: give --to onnx")
    if not args.calibrate:
        raise ZooError(f"--quantize {args.quantize} needs images: give a data set with --calibrate")
    check_data_dir(args.calibrate, args.data_dir)
    return named_dataset(args.calibrate, args.data_dir)
