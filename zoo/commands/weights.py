"""List the published weights of a network: tag, size, accuracy, licence, whether they are on this machine, and URL.

zoo weights resnet50

The first is the default, whatever is on this machine. Accuracies are top-1 and top-5 in percent on ImageNet's
validation images, as the publisher states them. The licence is what the publisher states for the file; ImageNet's own
terms may apply too.
"""

import argparse

from zoo.commands.arguments.positional import add_positional_or_flag

HELP = "list the pretrained weights of a network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `weights`."""
    add_positional_or_flag(parser, "model", "MODEL", required=True, description="a name of `zoo list`")


def run(args: argparse.Namespace) -> None:
    """Print one line per published file."""
    from zoo.commands.arguments.network import known_model
    from zoo.errors import ZooError
    from zoo.registry import model_info
    from zoo.runtime.text_tables import print_table
    from zoo.weights.fetch import local_file
    from zoo.weights.published import published_weights

    all_published = published_weights(known_model(args.model))
    if not all_published:
        raise ZooError(f"no pretrained weights are known for {args.model}")
    # Where the size is not stated: four bytes per parameter.
    estimate = model_info(args.model).parameters * 4 / 2**20
    cells = [
        [
            published.tag,
            f"{published.mebibytes:.1f}" if published.mebibytes else f"~{estimate:.1f}",
            f"{published.top1:.2f}" if published.top1 else "-",
            f"{published.top5:.2f}" if published.top5 else "-",
            published.licence,
            ("installed" if published.package else "cached") if local_file(published) else "-",
            published.address,
        ]
        for published in all_published
    ]
    titles = ["tag", "MiB", "top 1", "top 5", "licence", "here", "from"]
    left = [True, False, False, False, True, True, True]
    print_table(titles, cells, left)
