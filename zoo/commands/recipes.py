"""Show recipes: what differs from the general default, the learning rate by batch, and the source.

zoo recipes                                   all recipes, one line each
zoo recipes resnet50                          those of a network on each kind of data
zoo recipes resnet50 --dataset imagenet2012   the one that a run on this data has
zoo recipes --recipe timm_a2                  one of `zoo train --recipe`
zoo recipes vgg16 --json

A data set is a name of TFDS, which is not opened, or a path, which is. With --pretrained a run has another recipe on
all data, that of docs/finetuning.md. --json prints one list with an object per recipe.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.commands.arguments.positional import add_positional_or_flag

if TYPE_CHECKING:
    from zoo.training.config.recipe_listing import ListedRecipe
    from zoo.training.config.recipe_table import DataKind

HELP = "show the training recipes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `recipes`."""
    from zoo.training.config.recipes.named import NAMED

    add_positional_or_flag(parser, "model", "MODEL", required=False, description="a name of `zoo list`")
    parser.add_argument("--dataset", metavar="DATA", help="only the recipe on this data: a TFDS name, or a path")
    parser.add_argument("--recipe", choices=sorted(NAMED), help="show this recipe of `zoo train --recipe`")
    parser.add_argument("--json", action="store_true", help="print one JSON list")


def run(args: argparse.Namespace) -> None:
    """Print the recipes that the arguments choose."""
    import json

    from zoo.training.config.recipe_listing import all_recipes, named_recipes

    check_arguments(args)
    if args.recipe is not None:
        recipes = named_recipes(args.recipe)
    elif args.model is not None:
        recipes = recipes_of_network(args)
    else:
        recipes = all_recipes()
    if args.json:
        print(json.dumps([one.json_object() for one in recipes], indent=2))
    elif args.recipe is None and args.model is None:
        print_rows(recipes)
    else:
        print_recipes(recipes)


def check_arguments(args: argparse.Namespace) -> None:
    """Raises ZooError for arguments that have no effect beside the others."""
    from zoo.errors import ZooError

    if args.dataset is not None and args.model is None:
        raise ZooError("--dataset needs a network: name one, as in zoo recipes resnet50 --dataset imagenet2012")
    if args.recipe is not None and args.model is not None:
        raise ZooError("--recipe is the same for all networks: leave out the network, or --recipe")


def recipes_of_network(args: argparse.Namespace) -> list[ListedRecipe]:
    """Those of the network on all kinds of data, or on that of --dataset."""
    from zoo.commands.arguments.network import known_model
    from zoo.training.config.recipe_listing import recipes_of

    return recipes_of(known_model(args.model), None if args.dataset is None else kind_named(args.dataset))


def kind_named(dataset: str) -> DataKind:
    """The kind of the data set at a path, or of one of TFDS's or of the hub by its name. Raises ZooError if none is."""
    import re
    from pathlib import Path

    from zoo.errors import ZooError, suggestion
    from zoo.training.config.choose_recipe import kind_of
    from zoo.training.config.recipe_table import data_kind

    if Path(dataset).expanduser().exists():
        from zoo.commands.arguments.dataset import named_dataset

        return kind_of(named_dataset(dataset, None, note_left_out=False))
    from zoo.data.sources.hub import is_hub_name, parse_name
    from zoo.data.sources.tfds import dataset_names

    if is_hub_name(dataset):
        kind = data_kind(parse_name(dataset).name)
        if kind == "any data":
            raise ZooError(f"the recipe on {dataset} depends on its classes and images: zoo train --dry-run reads them")
        return kind
    # A configuration and a version may follow the name.
    name, known = re.split("[/:]", dataset)[0], dataset_names()
    if name not in known:
        raise ZooError(f"no data set of TFDS, and no path, is {dataset!r}{suggestion(dataset, known)}")
    return data_kind(name)


def print_rows(recipes: list[ListedRecipe]) -> None:
    """Print one line per recipe."""
    from zoo.runtime.text_tables import print_table
    from zoo.training.config.recipe_listing import COLUMNS, FLUSH_LEFT

    print_table(COLUMNS, [one.cells() for one in recipes], FLUSH_LEFT)


def print_recipes(recipes: list[ListedRecipe]) -> None:
    """Print each recipe with its source, what differs from the general default, and its learning rates."""
    from zoo.runtime.text_tables import print_table

    for number, one in enumerate(recipes):
        if number:
            print()
        print(one.data if one.networks == "any" else f"{one.networks} on {one.data}")
        print(f"source: {one.source}")
        if settings := one.changed_settings():
            cells = [[setting.name, setting.value, setting.default] for setting in settings]
            print_table(("setting", "value", "default"), cells, (True, True, True))
        print(one.describe_rates())
