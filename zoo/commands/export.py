"""Write a network as a file for other programs: ONNX or StableHLO.

zoo export efficientnet_lite0 --to onnx --out efficientnet_lite0.onnx
zoo export --checkpoint checkpoints/googlenet-digits --to onnx --preprocess normalize --softmax --out digits.onnx
zoo export my_nets:Net --weights net.safetensors --to stablehlo --out net.stablehlo
zoo export resnet50 --to onnx --features layer3 layer4 --any-size --out features.onnx
zoo export efficientnet_lite0 --to onnx --quantize int8 --calibrate imagenet2012 --out int8.onnx

The file takes any number of images per call, or --batch-size of them, of the network's image size, or --input, and
gives logits. Class names, preprocessing and where the weights are from are in its metadata; those of StableHLO are in
FILE.json. The file is compared with the network on random images before it is put in place, and the relative error is
printed. ONNX needs a library: pip install 'zoo-cnn[onnx]'.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import print_note, unreadable_images
from zoo.commands.arguments.quantization import add_quantization_arguments, calibration_dataset
from zoo.commands.arguments.types import InRange, path
from zoo.commands.arguments.weights import add_fold_argument, add_weights_arguments, inference_weights, print_source
from zoo.export.options import DTYPES, PREPROCESS
from zoo.runtime.limits import BATCH_SIZE

if TYPE_CHECKING:
    from zoo.data import Dataset
    from zoo.export import ExportedFile, ExportOptions, QuantizedFile
    from zoo.weights import Weights

HELP = "write a network as ONNX or StableHLO"
FORMATS = ("onnx", "stablehlo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `export`."""
    add_weights_arguments(parser, model_by_place=True)
    parser.add_argument("--to", choices=FORMATS, required=True, help="format of the file")
    parser.add_argument("--out", type=path, required=True, metavar="FILE", help="the file to write")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    group = parser.add_argument_group("what the file takes and gives")
    group.add_argument("--input", metavar="N", help="image size: 224 or 224x320, height first (default: the network's)")
    group.add_argument("--any-size", action="store_true", help="images of any height and width")
    group.add_argument(
        "--batch-size", type=InRange(BATCH_SIZE), metavar="N", help="images per call (default: any number)"
    )
    group.add_argument(
        "--preprocess",
        choices=PREPROCESS,
        default="none",
        help="what the file does: nothing, so that it takes normalised float32 images; normalize uint8 pixels of the "
        "image size; or also scale and crop uint8 frames of any size (full) (default: none)",
    )
    group.add_argument("--softmax", action="store_true", help="give probabilities instead of logits")
    group.add_argument(
        "--features", nargs="+", default=(), metavar="LAYER", help="give the outputs of these layers instead of logits"
    )
    group.add_argument(
        "--dtype", choices=DTYPES, default="float32", help="type of weights and computation (default: float32)"
    )
    add_fold_argument(group)
    add_quantization_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the file, completely or not at all; the arguments are checked first."""
    options = _options(args)
    _check_out(args)
    # Before the weights, which may have to be downloaded.
    dataset = calibration_dataset(args)
    weights = inference_weights(args)
    print(_write(args, weights, options, dataset), flush=True)
    print_source(weights)


def _options(args: argparse.Namespace) -> ExportOptions:
    from zoo.export import ExportOptions

    return ExportOptions(
        batch=args.batch_size,
        any_size=args.any_size,
        preprocess=args.preprocess,
        softmax=args.softmax,
        features=tuple(args.features),
        dtype=args.dtype,
    )


def _check_out(args: argparse.Namespace) -> None:
    from zoo.errors import ZooError
    from zoo.export.exported_file import check_path
    from zoo.export.libraries import check_onnx
    from zoo.export.onnx_file import data_path
    from zoo.export.stablehlo import metadata_path
    from zoo.runtime.atomic_files import replaced_file

    check_path(args.out)
    file = replaced_file(args.out)
    other = data_path(file) if args.to == "onnx" else metadata_path(file)
    for existing in (args.out, other):
        if existing.exists() and not args.force:
            raise ZooError(f"{existing} exists: overwrite it with --force")
    if args.to == "onnx":
        check_onnx()


def _write(
    args: argparse.Namespace, weights: Weights, options: ExportOptions, dataset: Dataset | None
) -> ExportedFile | QuantizedFile:
    from zoo.commands.arguments.network import parse_image_shape
    from zoo.export import to_int8_onnx, to_onnx, to_stablehlo
    from zoo.training import enable_compilation_cache

    enable_compilation_cache()
    shape = parse_image_shape(args.input, weights.network()) if args.input else None
    if dataset:
        unreadable = unreadable_images(args)
        result = to_int8_onnx(weights, dataset, args.out, image_shape=shape, options=options, unreadable=unreadable)
        if unreadable.count:
            print_note(unreadable.describe())
        return result
    write = to_onnx if args.to == "onnx" else to_stablehlo
    return write(weights, path=args.out, image_shape=shape, options=options)
