"""Train a network of the zoo: python train.py --model googlenet"""

import argparse
import dataclasses
import os
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jax.errors import JaxRuntimeError
from rich.console import Console

from zoo.data import Dataset, open_dataset
from zoo.errors import ZooError
from zoo.registry import model_info
from zoo.runtime.console import tell
from zoo.training import (
    Recipe,
    RunConfig,
    RunFolder,
    RunOptions,
    build_network,
    enable_compilation_cache,
    train,
)
from zoo.training.checkpoint.folder_lock import alone_in
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.config.recipe_table import NAMED
from zoo.training.config.run_config import USUAL_WEIGHTS, configure, configure_resumed, open_weights
from zoo.training.distributed import Cluster, is_first, join, together
from zoo.training.finetune.pretrained_backbone import backbone_of
from zoo.training.initial_state import Backbone

EPILOG = """examples:
  python train.py --model googlenet                                  on the embedded digits
  python train.py --model lenet5 --dataset ~/fashion-mnist           a folder of IDX files
  python train.py --model googlenet_bn --dataset ~/photos            a folder with a sub-folder a class
  python train.py --model vgg16_bn --dataset cifar10 --epochs 30     a TFDS data set
  python train.py --model googlenet --resume                         go on where Ctrl-C stopped
  python train.py --model resnet18 --dataset ~/photos --pretrained --freeze backbone        a new head on known features
  python train.py --model googlenet_bn --dataset ~/fashion-mnist --recipe speedrun          94 % in the least time

Ctrl-C saves and says how to go on (exit code 130; a second one does not wait). Bad input is one line and exit code 2.
"""

RECIPE = """The defaults depend on the network and the data. With --pretrained they are 10 epochs and a --backbone-rate
of 0.1, and images come at the size, mean and standard deviation of the weights. --freeze takes a regular expression
too, that matches whole paths of layers or parameters, as 'stem|block[1-3]_.*'; a frozen layer runs as in inference."""

NO_MEMORY = (
    "the device has no memory left: give a smaller --batch-size (--accumulate makes up for it) or --image-size, "
    "--dtype bfloat16, or more devices and --fsdp"
)

METAVARS = {int: "N", float: "X"}


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
    top.add_argument(
        "--recipe", choices=sorted(NAMED), help="a recipe by its name; without, that of the network and data"
    )
    top.add_argument("--resume", action="store_true", help="go on with the run in the run folder")
    recipe = top.add_argument_group("recipe", RECIPE)
    running = top.add_argument_group("running", "what the result does not depend on; may differ with --resume")
    processes = top.add_argument_group("processes", "each started with the same command, on as many machines as wanted")
    for kind, group in ((Recipe, recipe), (RunOptions, running)):
        for setting in dataclasses.fields(kind):
            add_setting(group, setting)
    processes.add_argument("--distributed", action="store_true", help="as SLURM, Kubernetes or a TPU pod says")
    processes.add_argument("--coordinator", metavar="HOST:PORT", help="or: where the first of them listens")
    processes.add_argument("--processes", type=int, metavar="N", help="how many they are")
    processes.add_argument("--process", type=int, metavar="I", help="which this one is, from 0")
    return top


def add_setting(group: argparse._ArgumentGroup, setting: dataclasses.Field) -> None:
    """The flag of one field of Recipe or RunOptions."""
    flag, text, metavar = "--" + setting.name.replace("_", "-"), setting.metadata["help"], setting.metadata["metavar"]
    if setting.type is bool:
        group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
        return
    choices = getattr(setting.type, "__args__", None)
    group.add_argument(
        flag,
        type=str if choices else setting.type,
        choices=choices,
        metavar=metavar or METAVARS.get(setting.type),
        default=argparse.SUPPRESS,
        help=text,
    )


def run(arguments: dict[str, Any], console: Console) -> int:
    """Train as the command line asks, and return the exit code."""
    began = time.perf_counter()
    given, options = settings(arguments, Recipe), RunOptions(**settings(arguments, RunOptions))
    model, resume, run_dir = arguments["model"], arguments["resume"], arguments["run_dir"]
    model_info(model)
    Recipe(**given)
    if resume and run_dir:
        RunFolder(run_dir).read_config()
    if arguments["coordinator"] is None and not arguments["processes"] is arguments["process"] is None:
        raise ZooError("--processes and --process want --coordinator HOST:PORT too")
    if arguments["distributed"] or arguments["coordinator"]:
        join(Cluster(arguments["coordinator"], arguments["processes"], arguments["process"]))
        console = console if is_first() else Console(quiet=True)
    enable_compilation_cache()
    with ExitStack() as until_the_end:
        with together():
            config, dataset, folder, backbone = prepared(arguments, given, console)
            if is_first():
                until_the_end.enter_context(alone_in(folder.path))
        tell_what_runs(config, dataset, folder, console)
        outcome = train(config, dataset, folder, resume=resume, console=console, backbone=backbone, options=options)
    seconds = time.perf_counter() - began
    if outcome.exit_code:
        again = shlex.join(["python", *(argument for argument in sys.argv if argument != "--resume"), "--resume"])
        tell(console, f"stopped after step {outcome.step}, and saved; go on with: {again}")
    elif is_first():
        print(f"test_accuracy={outcome.test_accuracy:.4f} seconds={seconds:.1f}")
    return outcome.exit_code


def prepared(
    arguments: dict[str, Any], given: dict[str, Any], console: Console
) -> tuple[RunConfig, Dataset, RunFolder, Backbone]:
    """What `train` takes: the run's configuration, its data, its folder, made or found, and what it begins with."""
    model, asked, pretrained = arguments["model"], arguments["recipe"], arguments["pretrained"]
    dataset = open_dataset(arguments["dataset"], arguments["data_dir"])
    folder = RunFolder(arguments["run_dir"] or Path("checkpoints") / f"{model}-{dataset.name}")
    weights = None
    if arguments["resume"]:
        config = configure_resumed(folder, model, dataset, given, pretrained, asked)
        if not saved_steps(folder):
            weights = open_weights(model, given, config.pretrained)
    else:
        weights = open_weights(model, given, pretrained)
        config = configure(model, dataset, given, weights, asked)
        config = dataclasses.replace(config, pretrained=pretrained)
    backbone = backbone_of(weights, build_network(config)) if weights else {}
    if not arguments["resume"] and is_first() and (aside := folder.start(config)):
        tell(console, f"an earlier run was in {folder.path}: it is in {aside} now")
    return config, dataset, folder, backbone


def settings(arguments: dict[str, Any], kind: type) -> dict[str, Any]:
    """The arguments that are fields of Recipe or RunOptions, where they were given."""
    return {setting.name: arguments[setting.name] for setting in dataclasses.fields(kind) if setting.name in arguments}


def tell_what_runs(config: RunConfig, dataset: Dataset, folder: RunFolder, console: Console) -> None:
    """Print the data and the whole recipe."""
    height, width, channels = config.preprocessing.image_shape
    tell(
        console,
        f"{config.model} on {dataset.name}: {len(dataset.train)} training and {len(dataset.test)} test images, "
        f"{len(dataset.class_names)} classes, {height}x{width}x{channels} pixels; run folder {folder.path}",
    )
    recipe = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(config.recipe).items())
    tell(console, f"recipe: {recipe}")


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 when trained, 2 after bad input, 130 or 143 when stopped by Ctrl-C or SIGTERM."""
    arguments = vars(parser().parse_args(argv))
    try:
        return run(arguments, Console())
    except ZooError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        print(f"train.py: {NO_MEMORY}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: stopped; what was not saved is lost", file=sys.stderr)
        # At once: not after the threads that write a checkpoint.
        sys.stdout.flush()
        os._exit(130)
