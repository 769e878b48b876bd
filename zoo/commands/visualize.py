"""Visualize what the layers of a network have learned.

zoo visualize --checkpoint checkpoints/googlenet_bn-fashion-mnist.safetensors --out pictures
zoo visualize --model efficientnet_lite0 --images coffee.png chelsea.png --out pictures
zoo visualize --checkpoint checkpoints/vgg11-pets --method grad_cam --images cat.jpg --out pictures

Each sheet is a PNG and a PDF file in the folder --out. index.html in that folder shows all sheets with the commands
that made them, also those of earlier commands; a sheet of the same name is replaced. Without --images and --dataset,
the images are the test images of the data set that the network was trained on.

deconvnet, guided and gradient project the strongest activations of a layer to the pixels. For a data set, or nine or
more images, the sheet is Figure 2 of Zeiler and Fergus: nine units, with the nine images that activate each most. For
fewer images it has a row per image. filters and maximize need no images. saliency, smoothgrad, integrated_gradients,
grad_cam and occlusion show what supports a class; for them, --units are classes (default: the most probable), and of a
data set they show one image each of a few classes. randomize is a sanity check: a picture that does not change when
the weights are randomised does not show what the network has learned.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.commands.arguments.image_set import add_image_set_arguments, check_images, chosen_images
from zoo.commands.arguments.types import InRange, path
from zoo.commands.arguments.weights import add_weights_arguments, chosen_network, print_source
from zoo.printable import printable, shell_command
from zoo.runtime.limits import BATCH_SIZE, COUNT, DPI, ITERATIONS, SEED

HELP = "visualize what the layers of a network have learned"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `visualize`."""
    from zoo.visualize.sheets.sheet_plan import METHODS

    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="the folder for the sheets")
    parser.add_argument(
        "--method",
        choices=METHODS,
        metavar="METHOD",
        help=f"{', '.join(METHODS)} (default: deconvnet, or guided for a network with fewer than two max pools)",
    )
    add_image_set_arguments(parser)
    parser.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="names as in the summary, or logits for the output (default: up to five of the network's stages)",
    )
    parser.add_argument(
        "--units",
        nargs="+",
        type=InRange(COUNT),
        metavar="N",
        help="units of each layer, or classes, from 0 (default: active units that differ, or the most probable class)",
    )
    parser.add_argument(
        "--batch-size",
        type=InRange(BATCH_SIZE),
        metavar="N",
        help="images per batch of deconvnet, guided and gradient, which search a data set (default: 64)",
    )
    parser.add_argument("--steps", type=InRange(ITERATIONS), metavar="N", help="steps of maximize (default: 256)")
    parser.add_argument(
        "--dpi",
        type=InRange(DPI),
        default=150,
        metavar="N",
        help="pixels per inch of the PNG files, 20 to 600 (default: 150)",
    )
    parser.add_argument(
        "--seed",
        type=InRange(SEED),
        metavar="N",
        help="seed of maximize, smoothgrad and randomize (default: 0)",
    )
    add_weights_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Write the sheets and their index. The arguments are checked before anything is computed."""
    import sys

    from rich.progress import Progress

    from zoo.runtime.console import output_console
    from zoo.training import enable_compilation_cache
    from zoo.visualize.sheets.figures import check_matplotlib
    from zoo.visualize.sheets.sheet import add_sheet, index_path
    from zoo.visualize.sheets.sheet_plan import draw_sheets, plan_sheets

    check_matplotlib()
    _check_out(args.out)
    check_images(args)
    network = chosen_network(args)
    plan = plan_sheets(network, args.method, args.layers or (), args.units)
    _refuse_unused(args, plan.method)
    image_set = chosen_images(args, network, plan.rows_of_data_set) if plan.needs_images else None
    enable_compilation_cache()
    command = shell_command(["zoo", *args.given])
    console = output_console(stderr=True)
    # On a terminal, paths are printed above the bar; in a pipe they must not go to the bar's standard error.
    redirect, disable = sys.stdout.isatty(), not console.is_terminal
    with Progress(console=console, disable=disable, redirect_stdout=redirect, transient=True) as progress:
        sheets = draw_sheets(
            network,
            image_set,
            plan,
            batch_size=args.batch_size or 64,
            steps=args.steps or 256,
            seed=args.seed or 0,
            progress_bar=progress.track,
        )
        for sheet in sheets:
            for path in add_sheet(args.out, sheet, command, args.dpi):
                print(printable(path))
    # Not before: an error of drawing is one line.
    print_source(network.weights)
    print(printable(index_path(args.out)))


def _refuse_unused(args: argparse.Namespace, method: str) -> None:
    """Raises ZooError for an argument that the method does not use."""
    from zoo.errors import ZooError
    from zoo.visualize.sheets.sheet_plan import METHODS, METHODS_WITHOUT_IMAGES, RULES

    with_images = [name for name in METHODS if name not in METHODS_WITHOUT_IMAGES]
    used_by = {"steps": ["maximize"], "seed": ["maximize", "smoothgrad", "randomize"], "batch_size": RULES}
    used_by |= dict.fromkeys(("images", "dataset", "data_dir", "limit"), with_images)
    for name, methods in used_by.items():
        if getattr(args, name) is not None and method not in methods:
            raise ZooError(f"--{name.replace('_', '-')} has no effect with the method {method}: leave it out")


def _check_out(folder: Path) -> None:
    """Raises ZooError if the folder cannot be made, or has a list of sheets that cannot be read."""
    from zoo.errors import ZooError
    from zoo.runtime.atomic_files import check_replaceable
    from zoo.visualize.sheets.sheet import index_path, read_index

    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ZooError(f"--out {folder}: {existing} is a file, not a folder")
    check_replaceable(index_path(existing))
    read_index(folder)
