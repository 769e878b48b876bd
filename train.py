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
from zoo.registry import create_model, model_info
from zoo.training import Recipe, RunConfig, RunFolder, enable_compilation_cache, image_size, recipe_for, train
from zoo.training.sharding import data_mesh

EPILOG = """examples:
  python train.py --model googlenet                                  on the embedded digits
  python train.py --model lenet5 --dataset ~/fashion-mnist           a folder of IDX files
  python train.py --model googlenet_bn --dataset ~/photos            a folder with a sub-folder a class
  python train.py --model vgg16_bn --dataset cifar10 --epochs 30     a TFDS data set
  python train.py --model googlenet --resume                         go on where Ctrl-C stopped

Ctrl-C saves and says how to go on (exit code 130; a second one does not wait). Bad input is one line and exit code 2.
"""


def parser() -> argparse.ArgumentParser:
    """The command line; every field of Recipe is a flag, absent from the result where it was not given."""
    wide = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(description="Train a network of the zoo.", epilog=EPILOG, formatter_class=wide)
    top.add_argument("--model", required=True, metavar="NAME", help="python -m zoo list shows all")
    top.add_argument("--dataset", default="digits", metavar="DATA", help="digits (default), a folder, or a TFDS name")
    top.add_argument("--data-dir", type=Path, metavar="DIR", help="where TFDS data sets are kept (default: TFDS's own)")
    top.add_argument("--run-dir", type=Path, metavar="DIR", help="default: checkpoints/<model>-<dataset>")
    top.add_argument("--resume", action="store_true", help="go on with the run in the run folder")
    recipe = top.add_argument_group("recipe", "the defaults depend on the network and the data")
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
        metavar=None if choices else "N" if setting.type is int else "X",
        default=argparse.SUPPRESS,
        help=text,
    )


def configure(model: str, dataset: Dataset, given: dict[str, Any]) -> RunConfig:
    """The run's configuration: the recipe of this network and data, with the settings given on the command line.

    Raises ZooError for all that would only fail once the run had begun.
    """
    info = model_info(model)
    recipe = dataclasses.replace(recipe_for(model, dataset.name), **given)
    if recipe.aux_heads:
        create_model(model, aux_heads=True)
    data_mesh(recipe.batch_size)
    if recipe.batch_size > len(dataset.train):
        raise ZooError(
            f"batch_size is {recipe.batch_size}: {dataset.name} has only {len(dataset.train)} training images"
        )
    network = create_model(model, num_classes=len(dataset.class_names))
    height, width, channels = dataset.image_shape
    size = image_size(recipe, max(height, width), info.input_size, smallest_image(network, channels))
    check_image_shape(network, (size, size, channels))
    return RunConfig(
        model=model,
        dataset=dataset.name,
        recipe=recipe,
        preprocessing=Preprocessing(
            image_shape=(size, size, channels),
            mean=channel_constants(info.mean, channels),
            std=channel_constants(info.std, channels),
            fit=recipe.fit,
        ),
        class_names=dataset.class_names,
    )


def configure_resumed(folder: RunFolder, model: str, dataset: Dataset, given: dict[str, Any]) -> RunConfig:
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
    return config


def run(arguments: dict[str, Any], console: Console) -> int:
    """Train as the command line asks, and return the exit code."""
    began = time.perf_counter()
    model, run_dir, resume = arguments.pop("model"), arguments.pop("run_dir"), arguments.pop("resume")
    name, data_dir = arguments.pop("dataset"), arguments.pop("data_dir")
    model_info(model)
    Recipe(**arguments)
    if resume and run_dir:
        RunFolder(run_dir).read_config()
    dataset = open_dataset(name, data_dir)
    folder = RunFolder(run_dir or Path("checkpoints") / f"{model}-{dataset.name}")
    config = (configure_resumed if resume else configure)(*((folder,) if resume else ()), model, dataset, arguments)

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
    outcome = train(config, dataset, folder, resume=resume, console=console)
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
