"""The weights that a command uses: --model, --weights or --checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.types import path
from zoo.printable import printable
from zoo.runtime.console import print_note

if TYPE_CHECKING:
    from zoo.visualize.network_and_images import TrainedNetwork
    from zoo.weights import Weights


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """--model, --weights and --checkpoint, for `chosen_weights`."""
    group = parser.add_argument_group("weights", "pretrained weights, a file, or a training run")
    group.add_argument("--model", metavar="NAME", help="a network with pretrained weights")
    group.add_argument(
        "--weights", metavar="W", help="a tag of `weights`, or a file; a file of zoo's own needs no --model"
    )
    group.add_argument(
        "--checkpoint",
        type=path,
        metavar="DIR",
        help="a run folder: its best checkpoint; or a weights file of zoo's own",
    )


def chosen_weights(args: argparse.Namespace) -> Weights:
    """The weights that the command line names. Raises ZooError where it names none, or two."""
    from zoo.errors import ZooError
    from zoo.registry import model_info
    from zoo.weights import load, open_pretrained

    if args.checkpoint:
        from zoo.training import checkpoint_weights

        if args.model or args.weights:
            raise ZooError("--checkpoint names its network and weights itself: leave out --model and --weights")
        is_file = args.checkpoint.is_file() or args.checkpoint.suffix == ".safetensors"
        return load(args.checkpoint) if is_file else checkpoint_weights(args.checkpoint)
    if args.model:
        model_info(args.model)
        return open_pretrained(args.model, args.weights)
    if not args.weights:
        raise ZooError("no network is named: give --model, --weights or --checkpoint")
    if not Path(args.weights).exists():
        raise ZooError(f"there is no file {args.weights}: a tag of published weights needs --model too")
    return load(args.weights)


def chosen_network(args: argparse.Namespace) -> TrainedNetwork:
    """`chosen_weights` with a description for captions. Raises ZooError as it does."""
    from zoo.visualize.network_and_images import TrainedNetwork

    weights = chosen_weights(args)
    return TrainedNetwork(weights, f"{weights.model}, {_weights_description(args)}")


def _weights_description(args: argparse.Namespace) -> str:
    from zoo.weights.pretrained import default_weights

    if args.checkpoint and args.checkpoint.is_dir():
        return f"best checkpoint of {printable(args.checkpoint.absolute().name)}"
    argument = args.checkpoint or args.weights
    if not argument:
        return f"weights {default_weights(args.model).tag}"
    return f"weights {printable(Path(argument).name if Path(argument).exists() else argument)}"


def add_inference_arguments(parser: argparse.ArgumentParser) -> None:
    """--dtype and --fold, the latter for `inference_weights`."""
    group = parser.add_argument_group("speed")
    group.add_argument(
        "--dtype", choices=("float32", "bfloat16"), default="float32", help="type of the computation (default: float32)"
    )
    group.add_argument("--fold", action="store_true", help="fold batch norm into the convolutions")


def inference_weights(args: argparse.Namespace) -> Weights:
    """`chosen_weights`, with batch norm folded if --fold was given. Raises ZooError where there is none to fold."""
    from zoo.weights.fold import fold_weights

    weights = chosen_weights(args)
    return fold_weights(weights) if args.fold else weights


def print_source(weights: Weights) -> None:
    """Print a line on standard error about the file of the weights; nothing where they are from no file."""
    if weights.source:
        print_note(f"weights: {weights.source}")
