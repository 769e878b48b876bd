"""Train a network of the zoo: python train.py --model googlenet"""

import argparse
import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from zoo.data import Dataset, Preprocessing, open_dataset
from zoo.data.preprocessing import channel_constants
from zoo.errors import ZooError
from zoo.inference import check_image_shape, smallest_image
from zoo.models.network import Network
from zoo.registry import create_model, model_info
from zoo.training import (
    Recipe,
    RunConfig,
    RunFolder,
    build_network,
    enable_compilation_cache,
    image_size,
    recipe_for,
    train,
)
from zoo.training.finetuning import backbone_of, check_trained_parts, fields_of
from zoo.training.sharding import data_mesh
from zoo.weights import Weights, open_pretrained

EPILOG = """examples:
  python train.py --model googlenet                                  on the embedded digits
  python train.py --model lenet5 --dataset ~/fashion-mnist           a folder of IDX files
  python train.py --model googlenet_bn --dataset ~/photos            a folder with a sub-folder a class
  python train.py --model vgg16_bn --dataset cifar10 --epochs 30     a TFDS data set
  python train.py --model googlenet --resume                         go on where Ctrl-C stopped
  python train.py --model resnet18 --dataset ~/photos --pretrained --freeze backbone        a new head on known features

Ctrl-C saves and says how to go on (exit code 130; a second one does not wait). Bad input is one line and exit code 2.
"""

RECIPE = """The defaults depend on the network and the data. With --pretrained they are 10 epochs and a --backbone-rate
of 0.1, and images come at the size, mean and standard deviation of the weights. --freeze takes a regular expression
too, that matches whole paths of layers or parameters, as 'stem|block[1-3]_.*'; a frozen layer runs as in inference."""

# What --pretrained alone stands for, in the run's configuration too.
USUAL_WEIGHTS = ""

METAVARS = {int: "N", float: "X", str: "LAYERS"}


def parser() -> argparse.ArgumentParser:
    """The command line; every field of Recipe is a flag, absent from the result where it was not given."""
    wide = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(description="Train a network of the zoo.", epilog=EPILOG, formatter_class=wide)
    top.add_argument("--model", required=True, metavar="NAME", help="python -m zoo list shows all")
    top.add_argument("--dataset", default="digits", metavar="DATA", help="digits (default), a folder, or a TFDS name")
    top.add_argument("--data-dir", type=Path, metavar="DIR", help="where TFDS data sets are kept (default: TFDS's own)")
    top.add_argument("--run-dir", type=Path, metavar="DIR", help="default: checkpoints/<model>-<dataset>")
    top.add_argument(
        "--pretrained",
        nargs="?",
        const=USUAL_WEIGHTS,
        metavar="WEIGHTS",
        help="begin with these weights, or the network's usual ones, and a new head for the classes of the data",
    )
    top.add_argument("--resume", action="store_true", help="go on with the run in the run folder")
    recipe = top.add_argument_group("recipe", RECIPE)
    for setting in dataclasses.fields(Recipe):
        add_setting(recipe, setting)
    return top


def add_setting(group: argparse._ArgumentGroup, setting: dataclasses.Field) -> None:
    """The flag of one field of Recipe."""
    flag, text = "--" + setting.name.replace("_", "-"), setting.metadata["help"]
    if setting.type is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
        return
    choices = getattr(setting.type, "__args__", None)
    group.add_argument(
        flag,
        type=str if choices else setting.type,
        choices=choices,
        metavar=None if choices else METAVARS[setting.type],
        default=argparse.SUPPRESS,
        help=text,
    )


def configure(model: str, dataset: Dataset, given: dict[str, Any], weights: Weights | None = None) -> RunConfig:
    """The run's configuration: the recipe of this network and data, with the settings given on the command line.

    `weights` are those it begins with. Raises ZooError for all that would only fail once the run had begun.
    """
    recipe = recipe_for(model, dataset.name, pretrained=weights is not None)
    if weights:
        recipe = dataclasses.replace(recipe, fit=weights.preprocessing.fit)
    recipe = dataclasses.replace(recipe, **given)
    if recipe.aux_heads:
        create_model(model, aux_heads=True)
    data_mesh(recipe.batch_size)
    if recipe.batch_size > len(dataset.train):
        raise ZooError(
            f"batch_size is {recipe.batch_size}: {dataset.name} has only {len(dataset.train)} training images"
        )
    fields = fields_of(weights) if weights else {}
    network = create_model(model, num_classes=len(dataset.class_names), **fields)
    seen = weights_images(recipe, weights) if weights else fresh_images(recipe, model, network, dataset)
    check_image_shape(network, seen.image_shape)
    check_trained_parts(network, recipe)
    return RunConfig(
        model=model,
        dataset=dataset.name,
        recipe=recipe,
        preprocessing=seen,
        class_names=dataset.class_names,
        fields=fields,
    )


def weights_images(recipe: Recipe, weights: Weights) -> Preprocessing:
    """Images as the weights know them, whole, and of the size that the recipe names where it names one."""
    seen = weights.preprocessing
    height, width, channels = seen.image_shape
    if recipe.image_size:
        height = width = recipe.image_size
    return dataclasses.replace(seen, image_shape=(height, width, channels), fit=recipe.fit, crop=1.0)


def fresh_images(recipe: Recipe, model: str, network: Network, dataset: Dataset) -> Preprocessing:
    """Images as the data set has them, of a size that suits the network."""
    info = model_info(model)
    height, width, channels = dataset.image_shape
    size = image_size(recipe, max(height, width), info.input_size, smallest_image(network, channels))
    return Preprocessing(
        image_shape=(size, size, channels),
        mean=channel_constants(info.mean, channels),
        std=channel_constants(info.std, channels),
        fit=recipe.fit,
    )


def configure_resumed(
    folder: RunFolder, model: str, dataset: Dataset, given: dict[str, Any], pretrained: str | None
) -> RunConfig:
    """The stored configuration. Raises ZooError where what was given on the command line is not what the run has."""
    config = folder.read_config()
    if (config.model, config.dataset) != (model, dataset.name):
        raise ZooError(
            f"{folder.path} holds a run of {config.model} on {config.dataset}, not of {model} on {dataset.name}"
        )
    if config.class_names != dataset.class_names:
        raise ZooError(f"{folder.path} was trained on other classes than {dataset.name} has now")
    stored = asdict(config.recipe)
    differing = [f"{name} {stored[name]} (given: {value})" for name, value in given.items() if stored[name] != value]
    if differing:
        raise ZooError(f"the run in {folder.path} has {', '.join(differing)}: leave that out to resume it")
    if pretrained is not None and pretrained != config.pretrained:
        begun = "random weights" if config.pretrained is None else config.pretrained or "the network's usual weights"
        raise ZooError(f"the run in {folder.path} began with {begun}: leave --pretrained out to resume it")
    return config


def open_weights(model: str, given: dict[str, Any], pretrained: str | None) -> Weights | None:
    """What --pretrained names. Raises ZooError where it cannot be had, or is missing and --freeze is not."""
    if pretrained is not None:
        return open_pretrained(model, pretrained or None)
    if given.get("freeze", "none") != "none":
        raise ZooError("--freeze keeps what is learned already: give --pretrained too, to begin with that")
    return None


def run(arguments: dict[str, Any], console: Console) -> int:
    """Train as the command line asks, and return the exit code."""
    began = time.perf_counter()
    model, run_dir, resume = arguments.pop("model"), arguments.pop("run_dir"), arguments.pop("resume")
    name, data_dir, pretrained = arguments.pop("dataset"), arguments.pop("data_dir"), arguments.pop("pretrained")
    model_info(model)
    Recipe(**arguments)
    if resume and run_dir:
        RunFolder(run_dir).read_config()
    dataset = open_dataset(name, data_dir)
    folder = RunFolder(run_dir or Path("checkpoints") / f"{model}-{dataset.name}")
    backbone: dict[str, Any] = {}
    if resume:
        config = configure_resumed(folder, model, dataset, arguments, pretrained)
    else:
        weights = open_weights(model, arguments, pretrained)
        config = dataclasses.replace(configure(model, dataset, arguments, weights), pretrained=pretrained)
        if weights:
            backbone = backbone_of(weights, build_network(config))

    enable_compilation_cache()
    if not resume and (aside := folder.start(config)):
        console.print(f"an earlier run was in {folder.path}: it is in {aside} now", highlight=False, soft_wrap=True)
    height, width, channels = config.preprocessing.image_shape
    console.print(
        f"{model} on {dataset.name}: {len(dataset.train)} training and {len(dataset.test)} test images, "
        f"{len(dataset.class_names)} classes, {height}x{width}x{channels} pixels; run folder {folder.path}",
        highlight=False,
        soft_wrap=True,
    )
    outcome = train(config, dataset, folder, resume=resume, console=console, backbone=backbone)
    seconds = time.perf_counter() - began
    if outcome.exit_code:
        again = shlex.join(["python", *(argument for argument in sys.argv if argument != "--resume"), "--resume"])
        console.print(f"stopped after step {outcome.step}, and saved; go on with: {again}", soft_wrap=True)
    else:
        print(f"test_accuracy={outcome.test_accuracy:.4f} seconds={seconds:.1f}")
    return outcome.exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when trained, 2 after bad input, 130 or 143 when stopped by Ctrl-C or SIGTERM."""
    arguments = vars(parser().parse_args(argv))
    try:
        return run(arguments, Console())
    except ZooError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: stopped; what was not saved is lost", file=sys.stderr)
        return 130


# Grain's workers import this file again.
if __name__ == "__main__":
    sys.exit(main())
