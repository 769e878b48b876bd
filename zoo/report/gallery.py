"""Reports of well-known networks, and an index page that links to them.

python -m zoo.report.gallery --out gallery
python -m zoo.report.gallery resnet18 resnet152 --out gallery
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo.errors import ZooError
from zoo.runtime.failures import exit_status
from zoo.runtime.process import run_process
from zoo.runtime.system_errors import reason

NETWORKS = ("lenet5", "alexnet", "vgg16", "googlenet", "inception_v3", "resnet50")
INDEX = "index.html"


def write_gallery(folder: str | Path, names: Sequence[str] = NETWORKS) -> list[Path]:
    """Write a report of each network, and index.html, into a folder; returns all paths, the index last.

    Raises ZooError for an unknown network, and if the folder or a file cannot be written.
    """
    from zoo.registry import create_model, model_info
    from zoo.report.architecture.description import describe_network
    from zoo.report.html.provenance import versions
    from zoo.report.html.rendering import render
    from zoo.report.page import write_report
    from zoo.runtime.atomic_files import replacing

    networks = []
    for name in names:
        model = create_model(name)
        networks.append(describe_network(name, model, model.image_shape, model_info(name)))
    folder = make_folder(Path(folder))
    paths = [folder / f"{name}.html" for name in names]
    for path, name in zip(paths, names, strict=True):
        write_report(path, name)
    with replacing(folder / INDEX) as unfinished:
        text = render("page/gallery.html.j2", networks=networks, versions=versions())
        unfinished.write_text(text, encoding="utf-8")
    return [*paths, folder / INDEX]


def make_folder(folder: Path) -> Path:
    """The folder, created if it is missing. Raises ZooError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ZooError(f"cannot make the folder {folder}: {reason(error)}") from None
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns the exit status: 2 for bad input, after a message of one line."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.report.gallery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"default: {', '.join(NETWORKS)}")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder, created if missing")
    args = parser.parse_args(arguments)
    return exit_status(lambda: print(*write_gallery(args.out, args.models or NETWORKS), sep="\n"))


if __name__ == "__main__":
    sys.exit(run_process(main))
