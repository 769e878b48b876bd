"""Convert weights of other libraries to ours, and ours to theirs.

python -m zoo convert resnet50-11ad3fa6.pth resnet50.safetensors --model resnet50
python -m zoo convert resnet50.safetensors timm.safetensors --model resnet50 --to timm
python -m zoo convert checkpoints/lenet5-digits lenet5.safetensors --model lenet5 --half

What is written is a safetensors file: ours, with all that `predict` needs, or a state dict with the other library's
keys. Without --from it is recognised whose keys a file has.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.weights import Weights

HELP = "convert weights from and to torchvision, timm and Keras"
FROM = ("torchvision", "timm", "keras", "lukemelas", "cadene")
TO = ("zoo", "torchvision", "timm", "keras")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert`."""
    parser.add_argument(
        "input",
        metavar="IN",
        help=".safetensors, .pth, .pt, .bin, Keras's .h5 or .keras, a folder, a run of train.py, a URL, or a tag",
    )
    parser.add_argument("output", metavar="OUT", type=Path, help="a .safetensors file to write")
    parser.add_argument("--model", required=True, metavar="NAME", help="the network, a name of `list`")
    parser.add_argument("--from", dest="source", choices=FROM, help="whose weights IN has (default: recognised)")
    parser.add_argument("--to", choices=TO, default="zoo", help="whose keys OUT gets (default: zoo)")
    parser.add_argument("--class-names", nargs="+", metavar="CLASS", help="what its classes are called, in their order")
    parser.add_argument("--half", action="store_true", help="kernels as float16: half the size (for zoo's own files)")
    parser.add_argument("--force", action="store_true", help="overwrite OUT")


def run(args: argparse.Namespace) -> None:
    """Write OUT, whole or not at all."""
    from zoo.errors import ZooError
    from zoo.registry import model_info
    from zoo.weights.convert import write_weights

    model_info(args.model)
    if args.output.suffix != ".safetensors":
        raise ZooError(f"{args.output}: what is written is safetensors, so its name should end in .safetensors")
    if args.output.exists() and not args.force:
        raise ZooError(f"{args.output} is there already: --force overwrites it")
    if args.half and args.to != "zoo":
        raise ZooError(f"--half is for zoo's own files: leave it out with --to {args.to}")
    weights = _read(args)
    if args.class_names:
        outputs = weights.network().num_classes
        if len(args.class_names) != outputs:
            raise ZooError(f"{len(args.class_names)} class names for {outputs} classes: give one each")
        weights = dataclasses.replace(weights, class_names=tuple(args.class_names))
    write_weights(args.output, weights, args.to, half=args.half)
    classes = weights.network().num_classes
    print(f"{args.output}: {args.model}, {classes:,} classes, for {args.to}")


def _read(args: argparse.Namespace) -> Weights:
    from zoo.errors import ZooError
    from zoo.training import RunFolder, checkpoint_weights
    from zoo.weights.convert import read_weights

    if not RunFolder(Path(args.input)).exists():
        return read_weights(args.model, args.input, args.source)
    weights = checkpoint_weights(Path(args.input))
    if weights.model != args.model:
        raise ZooError(f"{args.input} holds a run of {weights.model}, not of {args.model}")
    return weights
