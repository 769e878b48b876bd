"""List the pretrained weights of a network: tag, size, accuracy, licence, whether they are here, where they are from.

python -m zoo weights resnet50

The first is the default, but what is on this machine already is taken before. Accuracies are percentages of ImageNet's
validation images, top 1 and top 5, as the publisher states them. Licences are what the publisher states of the file;
ImageNet's own terms may bind its user too.
"""

import argparse

HELP = "list the pretrained weights of a network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `weights`."""
    parser.add_argument("model", metavar="MODEL", help="a name of `list`")


def run(args: argparse.Namespace) -> None:
    """Print a line a source."""
    from zoo.errors import ZooError
    from zoo.registry import model_info
    from zoo.runtime.console import terminal_width
    from zoo.runtime.text_tables import aligned_table
    from zoo.weights.fetch import present_file
    from zoo.weights.published import known_sources

    sources = known_sources(args.model)
    if not sources:
        raise ZooError(f"no pretrained weights are known for {args.model}")
    # What is not stated is four bytes a parameter.
    estimate = model_info(args.model).parameters * 4 / 2**20
    cells = [
        [
            source.tag,
            f"{source.mebibytes:.1f}" if source.mebibytes else f"~{estimate:.1f}",
            f"{source.top1:.2f}" if source.top1 else "-",
            f"{source.top5:.2f}" if source.top5 else "-",
            source.licence,
            ("installed" if source.package else "cached") if present_file(source) else "-",
            source.address,
        ]
        for source in sources
    ]
    titles = ["tag", "MiB", "top 1", "top 5", "licence", "here", "from"]
    left = [True, False, False, False, True, True, True]
    columns = terminal_width()
    for line in aligned_table(titles, cells, left):
        print(line if columns is None or len(line) <= columns else line[: columns - 1] + "…")
