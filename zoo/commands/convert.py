"""Convert weights of other libraries to ours, and ours to theirs.

zoo convert resnet50-11ad3fa6.pth resnet50.safetensors --model resnet50
zoo convert resnet50.safetensors timm.safetensors --model resnet50 --to timm
zoo convert checkpoints/lenet5-digits lenet5.safetensors --model lenet5 --half

The output is a safetensors file: zoo's own, with all that `predict` needs, or a state dict with the keys of another
library. Without --from the library of the input is recognised by its keys. Some architectures of timm's have the same
keys: there --from is the tag of the weights that the input was trained from (see `weights`), or timm's name of its
architecture. Class names are kept where the input is a published file or states them; --class-names gives others, and
--class-names imagenet those of ImageNet.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.network import MODEL_HELP, add_model_arg, known_model
from zoo.commands.arguments.types import path
from zoo.commands.arguments.weights import check_same_network, print_source
from zoo.printable import printable

if TYPE_CHECKING:
    from zoo.weights import Weights

HELP = "convert weights from and to torchvision, timm, Keras, pytorchcv and transformers"
OUTPUT_KEY_MAPS = ("zoo", "torchvision", "timm", "timm_reparameterized", "keras", "pytorchcv", "transformers")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert`."""
    parser.add_argument(
        "input",
        metavar="IN",
        help=".safetensors, .pth, .pt, .bin, Keras's .h5 or .keras, a folder, a run folder, a URL, or a tag",
    )
    parser.add_argument("output", metavar="OUT", type=path, help="a .safetensors file to write")
    parser.add_argument("--model", required=True, metavar="NAME", help=MODEL_HELP)
    add_model_arg(parser)
    parser.add_argument(
        "--from",
        dest="from_key_map",
        metavar="LIBRARY",
        help=f"{', '.join(OUTPUT_KEY_MAPS[1:])}, lukemelas or cadene: the keys of IN (default: recognised); or a tag",
    )
    parser.add_argument(
        "--to",
        dest="to_key_map",
        choices=OUTPUT_KEY_MAPS,
        default="zoo",
        help="library whose keys OUT gets (default: zoo)",
    )
    parser.add_argument(
        "--class-names", nargs="+", metavar="CLASS", help="names of the classes, in order (zoo's own files only)"
    )
    parser.add_argument(
        "--half", action="store_true", help="store kernels as float16: half the size (zoo's own files only)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT")


def run(args: argparse.Namespace) -> None:
    """Read IN and write OUT, atomically."""
    from zoo.errors import ZooError
    from zoo.runtime.atomic_files import check_replaceable
    from zoo.weights.convert import write_weights
    from zoo.weights.published import imagenet_classes

    args.model = known_model(args.model)
    if args.output.suffix != ".safetensors":
        raise ZooError(f"{args.output}: OUT is a safetensors file: give a name that ends in .safetensors")
    if not args.output.absolute().parent.is_dir():
        raise ZooError(f"{args.output}: the folder {args.output.parent} does not exist: create it first")
    if args.output.is_dir():
        raise ZooError(f"{args.output} is a folder: give a file, such as {args.output / f'{args.model}.safetensors'}")
    if args.output.exists() and not args.force:
        raise ZooError(f"{args.output} exists: overwrite it with --force")
    check_replaceable(args.output)
    if args.half and args.to_key_map != "zoo":
        raise ZooError(f"--half is for zoo's own files: remove it, or --to {args.to_key_map}")
    if args.class_names and args.to_key_map != "zoo":
        raise ZooError(f"--class-names is for zoo's own files: remove it, or --to {args.to_key_map}")
    weights = _read(args)
    check_same_network(weights, args, args.input)
    if args.class_names == ["imagenet"]:
        args.class_names = imagenet_classes()
    if args.class_names:
        outputs = weights.network().num_classes
        if len(args.class_names) != outputs:
            raise ZooError(f"{len(args.class_names)} class names for {outputs} classes: give one name per class")
        weights = dataclasses.replace(weights, class_names=tuple(args.class_names))
    write_weights(args.output, weights, args.to_key_map, half=args.half)
    classes = weights.network().num_classes
    print(f"{printable(args.output)}: {args.model}, {classes:,} classes, for {args.to_key_map}")


def _read(args: argparse.Namespace) -> Weights:
    from zoo.errors import ZooError
    from zoo.training import checkpoint_weights
    from zoo.weights.convert import read_weights

    if "://" in args.input or not _is_run(Path(args.input)):
        return read_weights(args.model, args.input, args.from_key_map)
    if args.from_key_map:
        raise ZooError(f"--from has no effect: {args.input} is a run of zoo; leave out --from")
    weights = checkpoint_weights(Path(args.input), model=args.model)
    if weights.model != args.model:
        raise ZooError(f"{args.input} holds a run of {weights.model}, not of {args.model}")
    print_source(weights)
    return weights


def _is_run(folder: Path) -> bool:
    """Whether the folder is that of a run. One of the hub has a config.json too, beside its weights."""
    from zoo.training import RunFolder
    from zoo.weights.read_state_dict import SUFFIXES

    run = RunFolder(folder)
    if not run.exists() or run.steps.exists():
        return run.exists()
    return not any(file.suffix in SUFFIXES for file in folder.iterdir())
