"""Write a page that explains a network: its architecture, the formulas and costs of every layer, what it has learned.

zoo report googlenet --out googlenet.html
zoo report googlenet --compare resnet50 --out beside.html
zoo report --checkpoint checkpoints/googlenet_bn-fashion-mnist --out run.html
zoo report efficientnet_lite0 --weights --images coffee.png chelsea.png --out lite0.html

The page is one HTML file that loads nothing else. With weights it shows filters, feature maps, what activates the units
and which units are dead, on --images, --dataset or the test images of the weights' data set. With a run folder it also
shows how the network was trained.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.commands.arguments.image_set import add_image_set_arguments, check_images, chosen_images
from zoo.commands.arguments.network import MODEL_HELP, add_model_arg, known_model, load_network, parse_image_shape
from zoo.commands.arguments.out_file import check_out_file
from zoo.commands.arguments.positional import add_positional_or_flag
from zoo.commands.arguments.types import InRange, path
from zoo.printable import printable
from zoo.runtime.console import print_note
from zoo.runtime.limits import CLASSES

if TYPE_CHECKING:
    from zoo.visualize.network_and_images import ImageSet, TrainedNetwork

HELP = "write a page that explains a network"
# The value of --weights without a name.
DEFAULT_WEIGHTS = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `report`."""
    not_needed = "not needed with a run folder or a weights file of one of zoo's networks"
    add_positional_or_flag(parser, "model", "MODEL", required=False, description=f"{MODEL_HELP}; {not_needed}")
    add_model_arg(parser)
    parser.add_argument("--out", type=path, required=True, metavar="FILE.html", help="the file to write")
    parser.add_argument("--compare", metavar="MODEL2", help="a second network to show beside the first")
    parser.add_argument("--input", metavar="N", help="image size: 224, 224x320 (height first) or 32x32x1")
    parser.add_argument("--classes", type=InRange(CLASSES), metavar="N", help="number of classes, without weights")
    parser.add_argument(
        "--weights",
        nargs="?",
        const=DEFAULT_WEIGHTS,
        metavar="W",
        help="a file, or the name of pretrained weights of MODEL; without W the default ones",
    )
    parser.add_argument(
        "--checkpoint",
        type=path,
        metavar="DIR",
        help="a run folder, to show its best checkpoint and the run; or one of zoo's own weights files",
    )
    add_image_set_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page, completely or not at all; the arguments are checked first."""
    from rich.progress import Progress

    from zoo.report import write_report
    from zoo.runtime.console import output_console

    check_out_file(args.out, "report.html")
    check_images(args)
    if args.compare:
        known_model(args.compare)
    trained, image_set = _trained_network(args)
    if trained is None:
        options = _options_without_weights(args)
        second = _second_network(args.compare, args.classes, options["image_shape"])
    else:
        from zoo.commands.arguments.weights import print_source
        from zoo.training import enable_compilation_cache

        print_source(trained.weights)
        enable_compilation_cache()
        options = {"weights": trained.weights, "weights_name": trained.description, "image_set": image_set}
        second = _second_network(args.compare, trained.model.num_classes, trained.image_shape)
        if args.checkpoint and args.checkpoint.is_dir():
            options["run"] = args.checkpoint
    console = output_console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        write_report(args.out, progress_bar=progress.track, compare=second, compare_name=args.compare, **options)
    print(printable(args.out))


def _second_network(name: str | None, classes: int | None, image_shape: tuple[int, int, int]) -> Any:
    """The network of --compare: a name of the registry, which has a paper, or a module; None if there is none.

    One of the user's has the number of classes and, if it states none itself, the image shape of the first network.
    """
    from zoo.registry import model_info

    if name is None or not model_info(known_model(name)).source:
        return name
    module = load_network(name, classes)
    return module if module.image_shape else module.clone(image_shape=image_shape)


def _options_without_weights(args: argparse.Namespace) -> dict[str, Any]:
    """The options of `write_report` for a network without weights, and its sample image."""
    from zoo.commands.arguments.images import image_paths, load_image
    from zoo.errors import ZooError
    from zoo.registry import model_info

    model = load_network(args.model, args.classes, args.model_arg)
    options = {"model": model, "name": args.model, "image_shape": parse_image_shape(args.input, model)}
    if not args.model_arg and not model_info(known_model(args.model)).source:
        options |= {"model": args.model, "num_classes": args.classes}
    if args.images:
        path, *more = (path for argument in args.images for path in image_paths(argument))
        if more:
            raise ZooError(f"--images names {1 + len(more)} images: give one, or give --weights to show several")
        name = "standard input" if path == "-" else printable(Path(path).name)
        options |= {"image": load_image(path), "image_name": name}
    return options


def _trained_network(args: argparse.Namespace) -> tuple[TrainedNetwork | None, ImageSet | None]:
    """The network of --weights or --checkpoint and the images for it; None for what is not given. Raises ZooError."""
    from zoo.commands.arguments.weights import chosen_network

    _check_weights_arguments(args)
    if args.weights is None and not args.checkpoint:
        return None, None
    trained = chosen_network(argparse.Namespace(**{**vars(args), "weights": args.weights or None}))
    weights = trained.weights
    in_memory = weights.data.kind == "arrays"
    if in_memory and not (args.images or args.dataset):
        print_note("the training data were arrays in memory, so the page has no images: give some with --images")
    has_images = args.images or args.dataset or (weights.dataset and not in_memory)
    return trained, chosen_images(args, trained, None) if has_images else None


def _check_weights_arguments(args: argparse.Namespace) -> None:
    """Raises ZooError if an argument is missing, or does not fit a network with weights or one without."""
    from zoo.errors import ZooError

    if args.weights is None and not args.checkpoint:
        if not args.model:
            raise ZooError("no network is given: give MODEL, --weights or --checkpoint")
        if args.dataset or args.limit:
            raise ZooError("--dataset and --limit need weights: give --weights or --checkpoint")
        return
    if args.weights == DEFAULT_WEIGHTS and not args.model:
        raise ZooError("--weights without a name needs MODEL: give MODEL, or a file of weights")
    for option in ("input", "classes"):
        if getattr(args, option) is not None:
            raise ZooError(f"--{option} cannot be combined with weights, which include it: leave out --{option}")
