"""Draw what a network's layers see.

python -m zoo visualize --checkpoint checkpoints/googlenet_bn-fashion-mnist.safetensors --out pictures
python -m zoo visualize --model efficientnet_lite0 --images coffee.png chelsea.png --out pictures
python -m zoo visualize --checkpoint checkpoints/vgg11-pets --method grad_cam --images cat.jpg --out pictures

The sheets are PNG and PDF files in a folder, and index.html there shows all of them with the commands that made them,
earlier ones too; a sheet takes the place of one with its name. Without --images and --dataset they are made of the test
images of the data set that the network was trained on.

deconvnet, guided and gradient project a layer's strongest activations to the pixels. Of a data set, or nine images and
more, there is Zeiler and Fergus's Figure 2: nine units, the nine images that excite each most. Of fewer images there is
a row each. filters and maximize need no images. saliency, smoothgrad, integrated_gradients, grad_cam and occlusion show
what speaks for a class, and --units are classes there: by default the most probable; of a data set they take one image
each of a few classes. randomize is the sanity check: pictures that stay when the weights are drawn again do not show
what was learnt.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.pictures import add_pictures_arguments, chosen_pictures
from zoo.commands.arguments.types import between, positive
from zoo.commands.arguments.weights import add_weights_arguments, chosen_weights

if TYPE_CHECKING:
    from zoo.visualize.network_and_images import ImageSet, TrainedNetwork
    from zoo.visualize.sheets.sheet import Sheet

HELP = "draw what a network's layers see"

RULES = ("deconvnet", "guided", "gradient")
GRADIENTS = ("saliency", "smoothgrad", "integrated_gradients")
OF_A_CLASS = (*GRADIENTS, "grad_cam", "occlusion", "randomize")
METHODS = (*RULES, "filters", "activations", *OF_A_CLASS, "maximize")
WITHOUT_IMAGES = ("filters", "maximize")

# From so many images on, they are searched for the strongest activations; of fewer, each is shown.
MANY = 9
# How many images of a data set those methods show that make a row an image.
SHOWN = {"activations": 3, "randomize": 2, "": 6}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `visualize`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the sheets")
    parser.add_argument(
        "--method",
        choices=METHODS,
        metavar="METHOD",
        help=f"{', '.join(METHODS)} (default: deconvnet, or guided for a network with fewer than two max pools)",
    )
    add_pictures_arguments(parser)
    parser.add_argument(
        "--layers", nargs="+", metavar="LAYER", help="as in the summary; logits are the output (default: up to five)"
    )
    parser.add_argument(
        "--units",
        nargs="+",
        type=int,
        metavar="N",
        help="of each layer, from 0 (default: active ones that differ), or classes",
    )
    parser.add_argument("--batch-size", type=positive, default=64, metavar="N", help="images at a time (default: 64)")
    parser.add_argument("--steps", type=positive, default=256, metavar="N", help="of maximize (default: 256)")
    parser.add_argument(
        "--dpi",
        # More would need more memory than there is.
        type=between(20, 600),
        default=150,
        metavar="N",
        help="dots per inch of the PNG files, 20 to 600 (default: 150)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn at random (default: 0)")
    add_weights_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the sheets and their index; all that can be checked is checked before."""
    import shlex
    import sys

    from rich.console import Console
    from rich.progress import Progress

    from zoo.training import enable_compilation_cache
    from zoo.visualize.sheets.figures import check_matplotlib
    from zoo.visualize.sheets.sheet import add_sheet, index_of

    check_matplotlib()
    _check_out(args.out)
    subject = _subject(args)
    method, why = _method(args, subject)
    layers = _layers(args, subject, method)
    rows = None if method in RULES else SHOWN.get(method, SHOWN[""])
    pictures = None if method in WITHOUT_IMAGES else chosen_pictures(args, subject, rows)
    enable_compilation_cache()
    command = shlex.join(["python", "-m", "zoo", *args.given])
    console = Console(stderr=True)
    # The bar shares the terminal with the printed paths, but they do not follow it out of a pipe.
    shared = {"redirect_stdout": sys.stdout.isatty(), "transient": True}
    with Progress(console=console, disable=not console.is_terminal, **shared) as progress:
        for sheet in _sheets(args, subject, method, why, layers, pictures, progress.track):
            for path in add_sheet(args.out, sheet, command, args.dpi):
                print(path)
    print(index_of(args.out))


def _check_out(folder: Path) -> None:
    """Raises ZooError where no sheets can be written, or earlier ones not be listed."""
    from zoo.errors import ZooError
    from zoo.visualize.sheets.sheet import entries_in

    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise ZooError(f"cannot write to {folder}: {there} is a file")
    entries_in(folder)


def _subject(args: argparse.Namespace) -> TrainedNetwork:
    from zoo.visualize.network_and_images import TrainedNetwork

    weights = chosen_weights(args)
    return TrainedNetwork(weights, f"{weights.model}, {weights_named(args)}")


def weights_named(args: argparse.Namespace) -> str:
    """For captions."""
    from zoo.weights.pretrained import default_source

    if args.checkpoint and args.checkpoint.is_dir():
        return f"best checkpoint of {args.checkpoint.absolute().name}"
    named = args.checkpoint or args.weights
    if not named:
        return f"weights {default_source(args.model).tag}"
    return f"weights {Path(named).name if Path(named).exists() else named}"


def _method(args: argparse.Namespace, subject: TrainedNetwork) -> tuple[str, str]:
    """The method, and why it is not the usual one."""
    from zoo.inference.prediction import class_names
    from zoo.visualize.methods.backward_rules import with_rule
    from zoo.visualize.network_and_images import default_rule

    if args.method in OF_A_CLASS:
        class_names(subject.weights)
    method, why = (args.method, "") if args.method else default_rule(subject)
    if method in RULES:
        with_rule(subject.model, method)
    return method, why


def _layers(args: argparse.Namespace, subject: TrainedNetwork, method: str) -> list[str | None]:
    """The layers to draw, one sheet each; None for a method's own. Raises ZooError for layers and units not there."""
    from zoo.errors import ZooError
    from zoo.visualize.methods.feature_maps import filters
    from zoo.visualize.methods.named_layers import LOGITS, check_classes, check_units, layer_shape
    from zoo.visualize.network_and_images import default_layers

    if method in (*GRADIENTS, "randomize") and args.layers:
        raise ZooError(f"{method} is of the logits, not of a layer: leave out --layers")
    named = [LOGITS if layer == "logits" else layer for layer in dict.fromkeys(args.layers or ())]
    if method == "maximize" and not named:
        named = [LOGITS] if subject.weights.network().num_classes else default_layers(subject)
    elif method in (*RULES, "activations") and not named:
        named = default_layers(subject)
    for layer in named or [None]:
        if method == "filters":
            count = filters(subject.model, subject.variables, layer, image_shape=subject.image_shape).shape[-1]
        elif method == "maximize":
            count = layer_shape(subject.model, subject.shapes, layer)[-1]
        else:
            count = subject.units(layer) if layer is not None else None
        if args.units and method not in OF_A_CLASS:
            check_units(layer or ("the output" if layer is not None else "the layer"), count, args.units)
    if args.units and method in OF_A_CLASS:
        check_classes(subject.shapes, args.units, len(args.units))
    return named or [None]


def _sheets(
    args: argparse.Namespace,
    subject: TrainedNetwork,
    method: str,
    why: str,
    layers: list[str | None],
    pictures: ImageSet | None,
    track: Callable,
) -> Iterator[Sheet]:
    """One after the other, as they are made."""
    from zoo.visualize.sheets import class_sheets, layer_sheets, projection_sheets, randomize_sheet

    for layer in layers:
        if method in RULES and len(pictures) < MANY and pictures.names:
            yield projection_sheets.by_image(subject, pictures, layer, args.units, method, why=why, track=track)
        elif method in RULES:
            size = args.batch_size
            yield projection_sheets.by_unit(
                subject, pictures, layer, args.units, method, why=why, batch_size=size, track=track
            )
        elif method == "filters":
            yield layer_sheets.filter_sheet(subject, layer, args.units)
        elif method == "activations":
            yield layer_sheets.activation_sheet(subject, pictures, layer, args.units, track=track)
        elif method == "maximize":
            yield layer_sheets.maximize_sheet(subject, layer, args.units, steps=args.steps, seed=args.seed)
        elif method == "grad_cam":
            yield class_sheets.grad_cam_sheet(subject, pictures, layer, args.units, track=track)
        elif method == "occlusion":
            yield class_sheets.occlusion_sheet(subject, pictures, layer, args.units, track=track)
        elif method == "randomize":
            yield randomize_sheet.randomize_sheet(subject, pictures, args.units, seed=args.seed, track=track)
        else:
            yield class_sheets.gradient_sheet(subject, pictures, method, args.units, seed=args.seed, track=track)
