"""The weights that a command uses: --model, --weights or --checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.network import add_model_arg, known_model, model_fields
from zoo.commands.arguments.positional import add_positional_or_flag
from zoo.commands.arguments.types import path
from zoo.printable import printable
from zoo.runtime.console import print_note

if TYPE_CHECKING:
    from zoo.visualize.network_and_images import TrainedNetwork
    from zoo.weights import Weights


def add_weights_arguments(parser: argparse.ArgumentParser, *, model_by_place: bool = False) -> None:
    """--model, which may be given by its position too, --weights and --checkpoint, for `chosen_weights`."""
    description = "a network with pretrained weights, or module:attribute for your own network"
    if model_by_place:
        add_positional_or_flag(parser, "model", "MODEL", required=False, description=description)
    group = parser.add_argument_group("weights", "pretrained weights, a file, or a training run")
    if not model_by_place:
        group.add_argument("--model", metavar="NAME", help=description)
    add_model_arg(group)
    group.add_argument(
        "--weights",
        metavar="W",
        help="a tag of `zoo weights`, a file, or hf://OWNER/NAME of the hub; the last two need no --model where they "
        "state their network",
    )
    group.add_argument(
        "--checkpoint",
        type=path,
        metavar="DIR",
        help="a run folder: its best checkpoint; or a weights file of zoo",
    )


def chosen_weights(args: argparse.Namespace) -> Weights:
    """The weights that the command line names. Raises ZooError where it names none, or two."""
    from zoo.errors import ZooError
    from zoo.weights import load_pretrained

    model = known_model(args.model) if args.model else None
    if args.checkpoint:
        if args.weights:
            raise ZooError("--checkpoint names its weights itself: leave out --weights")
        weights = _checkpoint(args.checkpoint, model)
    elif model:
        weights = load_pretrained(model, args.weights)
    else:
        weights = _weights_file(args)
    check_same_network(weights, args, str(args.checkpoint or args.weights))
    return weights


def _checkpoint(path: Path, model: str | None) -> Weights:
    from zoo.errors import ZooError
    from zoo.training import RunFolder, checkpoint_weights
    from zoo.weights import load

    if path.is_file() and RunFolder(path.parent).steps.exists():
        raise ZooError(f"{path} is a file of a run: give --checkpoint its folder, {path.parent}")
    is_file = path.is_file() or path.suffix == ".safetensors"
    return load(path, model) if is_file else checkpoint_weights(path, model=model)


def check_same_network(weights: Weights, args: argparse.Namespace, where: str) -> None:
    """Raises ZooError where --model or a --model-arg says something else than the weights in `where`."""
    from zoo.errors import ZooError
    from zoo.weights.network_fields import field_value

    if args.model and known_model(args.model) != weights.model:
        raise ZooError(f"{where} holds weights of {weights.model}, not of {args.model}: name that network, or none")
    for name, value in model_fields(weights.model, args.model_arg).items():
        stored = field_value(weights.model, weights.fields, name)
        if stored != value:
            raise ZooError(f"{where} has {name}={stored}, not {value}, for which it was trained: leave out --model-arg")


def _weights_file(args: argparse.Namespace) -> Weights:
    from zoo.errors import ZooError
    from zoo.runtime.similar_paths import similar_paths
    from zoo.weights import load, load_pretrained
    from zoo.weights.hub_weights import is_hub_name

    if not args.weights:
        raise ZooError("no network is named: give --model, --weights or --checkpoint")
    if is_hub_name(args.weights):
        return load_pretrained(args.weights)
    if not Path(args.weights).exists():
        meant = similar_paths(args.weights)
        raise ZooError(f"there is no file {args.weights}{meant or ': a tag of published weights needs --model too'}")
    return load(args.weights)


def chosen_network(args: argparse.Namespace) -> TrainedNetwork:
    """`chosen_weights` with a description for captions. Raises ZooError as it does."""
    from zoo.visualize.network_and_images import TrainedNetwork

    weights = chosen_weights(args)
    return TrainedNetwork(weights, f"{weights.model}, {_weights_description(args, weights)}")


def _weights_description(args: argparse.Namespace, weights: Weights) -> str:
    from zoo.weights.pretrained import default_weights

    if weights.source and weights.source.step is not None:
        return f"best checkpoint of {printable(args.checkpoint.absolute().name)}, step {weights.source.step}"
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
    add_fold_argument(group)


def add_fold_argument(group: argparse._ArgumentGroup) -> None:
    """--fold, for `inference_weights`."""
    group.add_argument(
        "--fold", action="store_true", help="fold batch norm into the convolutions, and join parallel ones (RepVGG)"
    )


def inference_weights(args: argparse.Namespace) -> Weights:
    """`chosen_weights`, with batch norm folded if --fold was given. Raises ZooError where there is none to fold."""
    from zoo.weights.fold import fold_weights

    weights = chosen_weights(args)
    return fold_weights(weights) if args.fold else weights


def further_weights(path: Path, args: argparse.Namespace) -> Weights:
    """The weights of another run folder or file than those of `inference_weights`, folded as they are."""
    from zoo.weights.fold import fold_weights

    weights = _checkpoint(path, None)
    return fold_weights(weights) if args.fold else weights


def print_source(weights: Weights) -> None:
    """Print a line on standard error about the file of the weights; nothing where they are from no file."""
    if weights.source:
        print_note(f"weights: {weights.source}")
