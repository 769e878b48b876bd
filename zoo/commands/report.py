"""Write one page that explains a network: architecture, every layer's numbers worked, costs, and what it has learnt.

python -m zoo report googlenet --out googlenet.html
python -m zoo report googlenet --compare resnet50 --out beside.html
python -m zoo report --checkpoint checkpoints/googlenet_bn-fashion-mnist --out run.html
python -m zoo report efficientnet_lite0 --weights --images coffee.png chelsea.png --out lite0.html

The page is one file that fetches nothing. With weights it shows filters, feature maps, what excites the units and which
are dead, on --images, --dataset or the data that the network was trained on; with a run folder, how it was trained too.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.commands.arguments.pictures import add_pictures_arguments, chosen_images
from zoo.commands.arguments.types import non_negative

if TYPE_CHECKING:
    from zoo.visualize.network_and_images import ImageSet, TrainedNetwork

HELP = "write one page that explains a network"
# --weights without a name.
USUAL = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `report`."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a name of `list`, or package.module:attribute; a run folder and zoo's own weights files know theirs",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the page")
    parser.add_argument("--compare", metavar="MODEL2", help="a second network to put beside it")
    parser.add_argument("--input", metavar="N", help="image size: 224, 224x320 (height first) or 32x32x1")
    parser.add_argument("--classes", type=non_negative, metavar="N", help="number of classes, without weights")
    parser.add_argument(
        "--weights",
        nargs="?",
        const=USUAL,
        metavar="W",
        help="a file, or which of MODEL's pretrained weights (without W: the usual ones)",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="a run folder: its best checkpoint, and the run; or one of zoo's own weights files",
    )
    add_pictures_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the page, whole or not at all; all that can be checked is checked before."""
    from rich.console import Console
    from rich.progress import Progress

    from zoo.report import write_report

    _check_out(args.out)
    other = _other(args)
    subject, pictures = _subject(args)
    asked: dict[str, Any] = {"compare": other, "compare_name": args.compare}
    if subject is None:
        asked |= _without_weights(args)
    else:
        from zoo.training import enable_compilation_cache

        enable_compilation_cache()
        asked |= {"weights": subject.weights, "about": subject.description, "pictures": pictures}
        if args.checkpoint and args.checkpoint.is_dir():
            asked["run"] = args.checkpoint
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        write_report(args.out, track=progress.track, **asked)
    print(args.out)


def _check_out(path: Path) -> None:
    from zoo.errors import ZooError

    if path.is_dir():
        raise ZooError(f"--out {path} is a folder: name a file, as {path / 'report.html'}")
    if not path.absolute().parent.is_dir():
        raise ZooError(f"--out {path}: there is no folder {path.parent}")


def _other(args: argparse.Namespace) -> Any:
    """The second network, if any: the registry's by their names, which bring their papers."""
    from zoo.commands.arguments.network import load_network
    from zoo.errors import ZooError

    if not args.compare:
        return None
    module = load_network(args.compare, None)
    if getattr(module, "image_shape", None) is None:
        raise ZooError(f"--compare takes networks that know their image size: {args.compare} has no image_shape")
    return module if ":" in args.compare else args.compare


def _without_weights(args: argparse.Namespace) -> dict[str, Any]:
    """The network alone, and the image under its receptive fields."""
    from zoo.commands.arguments.images import image_paths, load_image
    from zoo.commands.arguments.network import load_network, parse_image_shape
    from zoo.errors import ZooError

    model = load_network(args.model, args.classes)
    asked = {"model": model, "name": args.model, "image_shape": parse_image_shape(args.input, model)}
    if ":" not in args.model:
        asked |= {"model": args.model, "num_classes": args.classes}
    if args.images:
        path, *more = (path for place in args.images for path in image_paths(place))
        if more:
            raise ZooError(f"--images are {1 + len(more)}, of which a network without weights shows one: give one")
        asked |= {"image": load_image(path), "image_name": "standard input" if path == "-" else Path(path).name}
    return asked


def _subject(args: argparse.Namespace) -> tuple[TrainedNetwork | None, ImageSet | None]:
    """The weights that are asked for, and pictures for them; None of what there is not. Raises ZooError."""
    from zoo.commands.arguments.weights import chosen_network
    from zoo.errors import ZooError

    _check_weights_arguments(args)
    if args.weights is None and not args.checkpoint:
        return None, None
    # A run folder knows its network.
    asked = {"weights": args.weights or None, "model": None if args.checkpoint else args.model}
    given = argparse.Namespace(**{**vars(args), **asked})
    subject = chosen_network(given)
    weights = subject.weights
    if args.model and args.model != weights.model:
        raise ZooError(f"these weights are those of {weights.model}, not of {args.model}: leave MODEL out")
    known = args.images or args.dataset or weights.dataset
    return subject, chosen_images(args, subject, None) if known else None


def _check_weights_arguments(args: argparse.Namespace) -> None:
    """Raises ZooError for what is missing, or is only for networks with weights, or without."""
    from zoo.errors import ZooError

    if args.weights is None and not args.checkpoint:
        if not args.model:
            raise ZooError("no network is named: give MODEL, --weights or --checkpoint")
        if args.dataset or args.limit:
            raise ZooError("--dataset and --limit are for a network with weights: give --weights or --checkpoint")
        return
    if args.weights == USUAL and not args.model:
        raise ZooError("--weights without a name is for MODEL's usual ones: name a MODEL, or a file of weights")
    for option in ("input", "classes"):
        if getattr(args, option) is not None:
            raise ZooError(f"--{option} is for a network without weights: these have theirs")
