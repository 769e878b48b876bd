"""Train a network.

zoo train --model googlenet                                  on the embedded digits
zoo train --model lenet5 --dataset ~/fashion-mnist           a folder of IDX files
zoo train --model googlenet_bn --dataset ~/photos            a folder with one folder per class
zoo train --model vgg16_bn --dataset cifar10 --epochs 30     a TFDS data set
zoo train --model googlenet --resume                         resume after Ctrl-C
zoo train --model resnet18 --dataset ~/photos --pretrained --freeze backbone         only a new head
zoo train --model googlenet_bn --dataset ~/fashion-mnist --recipe speedrun           94 % in the least time

Ctrl-C saves the run and prints the command that resumes it (exit code 130; a second Ctrl-C does not wait). Bad input is
one line and exit code 2.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import check_data_dir
from zoo.commands.arguments.training import add_training_arguments, given_fields
from zoo.errors import ZooError
from zoo.printable import shell_command
from zoo.runtime.process import started_as

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.data import Dataset
    from zoo.training import Outcome, PreparedRun, RunConfig, RunFolder, RunOptions
    from zoo.weights import Weights

HELP = "train a network"

OUT_OF_MEMORY = (
    "the device is out of memory: use a smaller --batch-size (with --accumulate in its place) or --image-size, "
    "--dtype bfloat16, or more devices and --fsdp"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train`."""
    add_training_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train in one or several processes, print the result, and return the exit code.

    It is 130, 143 or 129 for a run that was stopped by Ctrl-C, SIGTERM or SIGHUP.
    """
    from rich.console import Console

    from zoo.runtime.console import print_line
    from zoo.training import enable_compilation_cache
    from zoo.training.distributed import Cluster, fail_on_all_processes, is_first, join_cluster

    start = time.perf_counter()
    check_arguments(args)
    console, lock = Console(), ExitStack()
    # Before anything is compiled: JAX decides then whether it uses the cache.
    enable_compilation_cache()
    watch: AbstractContextManager = nullcontext()
    if args.distributed or args.coordinator is not None:
        watch = join_cluster(Cluster(args.coordinator, args.processes, args.process), lock.close)
        console = console if is_first() else Console(quiet=True)
    with watch, lock:
        with fail_on_all_processes():
            prepared = prepare_run(args, console, lock)
        print_run(prepared, console)
        outcome = train_in_memory(prepared, console)
    if outcome.exit_code:
        print_line(console, f"stopped and saved after step {outcome.step}; resume with: {resume_command(sys.argv)}")
    elif is_first():
        print(f"test_accuracy={outcome.test_accuracy:.4f} seconds={time.perf_counter() - start:.1f}")
    return outcome.exit_code


def train_in_memory(run: PreparedRun, console: Console) -> Outcome:
    """`zoo.training.train`. Raises ZooError where the device has too little memory."""
    from jax.errors import JaxRuntimeError

    from zoo.training import train

    try:
        return train(run, console)
    except JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise ZooError(OUT_OF_MEMORY) from None


def check_arguments(args: argparse.Namespace) -> None:
    """Raises ZooError for what is wrong without looking at data, weights or other processes."""
    from zoo.registry import model_info
    from zoo.training import Recipe, RunFolder, RunOptions

    model_info(args.model)
    check_data_dir(args.dataset, args.data_dir)
    Recipe(**given_fields(args, Recipe))
    RunOptions(**given_fields(args, RunOptions))
    if args.resume and args.run_dir:
        RunFolder(args.run_dir).read_config()
    if args.coordinator is None and not args.processes is args.process is None:
        raise ZooError("--processes and --process need --coordinator HOST:PORT too")


def prepare_run(args: argparse.Namespace, console: Console, lock: ExitStack) -> PreparedRun:
    """Open the data, the weights and the run folder, and resolve the configuration or read the stored one.

    The first process holds the lock of the folder from before the configuration is read, or the folder made.
    """
    from zoo.data import open_dataset
    from zoo.training import PreparedRun, RunFolder, RunOptions, build_network
    from zoo.training.checkpoint.folder_lock import lock_folder
    from zoo.training.distributed import is_first
    from zoo.training.finetune.pretrained_backbone import backbone_of

    dataset = open_dataset(args.dataset, args.data_dir)
    folder = RunFolder(args.run_dir or Path("checkpoints") / f"{args.model}-{dataset.name}")
    if args.resume and is_first() and folder.path.is_dir():
        lock.enter_context(lock_folder(folder.path))
    config, weights = (resumed_config if args.resume else new_config)(args, dataset, folder)
    backbone = backbone_of(weights, build_network(config)) if weights else {}
    options = RunOptions(**given_fields(args, RunOptions))
    if config.recipe.feed == "resident":
        dataset = read_dataset(dataset, config, options, console)
    if not args.resume:
        start_folder(folder, config, console, lock)
    return PreparedRun(
        config=config,
        dataset=dataset,
        folder=folder,
        backbone=backbone,
        resume=args.resume,
        options=options,
    )


def read_dataset(dataset: Dataset, config: RunConfig, options: RunOptions, console: Console) -> Dataset:
    """The data set in memory, so that an image that cannot be read is an error before anything is written."""
    from zoo.data import UnreadableImages
    from zoo.data.batches import in_memory
    from zoo.runtime.console import print_line

    unreadable = UnreadableImages(options.skip_unreadable, "--skip-unreadable")
    dataset = in_memory(dataset, preprocessing=config.preprocessing, unreadable=unreadable)
    if unreadable.count:
        print_line(console, unreadable.describe())
    return dataset


def new_config(args: argparse.Namespace, dataset: Dataset, folder: RunFolder) -> tuple[RunConfig, Weights | None]:
    """The configuration of a new run, and the weights that it starts from."""
    from zoo.training import Recipe
    from zoo.training.resolve_config import open_weights, resolve_config

    overrides = given_fields(args, Recipe)
    weights = open_weights(args.model, overrides, args.pretrained)
    config = resolve_config(args.model, dataset, overrides, weights=weights, recipe_name=args.recipe)
    return dataclasses.replace(config, pretrained=args.pretrained), weights


def resumed_config(args: argparse.Namespace, dataset: Dataset, folder: RunFolder) -> tuple[RunConfig, Weights | None]:
    """The stored configuration, and the weights that it starts from if it has no checkpoint yet."""
    from zoo.training import Recipe
    from zoo.training.checkpoint.run_folder import saved_steps
    from zoo.training.resolve_config import ResumeRequest, check_resumable, open_weights

    config, overrides = folder.read_config(), given_fields(args, Recipe)
    request = ResumeRequest(model=args.model, overrides=overrides, recipe_name=args.recipe, pretrained=args.pretrained)
    check_resumable(config, folder.path, dataset, request)
    return config, None if saved_steps(folder) else open_weights(args.model, overrides, config.pretrained)


def start_folder(folder: RunFolder, config: RunConfig, console: Console, lock: ExitStack) -> None:
    """Make and lock the run folder in the first process; an earlier run in it is renamed, and a line reports it."""
    from zoo.runtime.console import print_line
    from zoo.training.distributed import is_first

    if is_first() and (renamed := lock.enter_context(folder.starting(config))):
        print_line(console, f"the earlier run in {folder.path} is now in {renamed}")


def print_run(run: PreparedRun, console: Console) -> None:
    """Print the data and the whole recipe."""
    import jax

    from zoo.runtime.console import print_line

    config, dataset = run.config, run.dataset
    height, width, channels = config.preprocessing.image_shape
    print_line(
        console,
        f"{config.model} on {dataset.name}: {len(dataset.train)} training and {len(dataset.test)} test images, "
        f"{len(dataset.class_names)} classes, {height}x{width}x{channels} pixels; run folder {run.folder.path}",
    )
    if dataset.left_out:
        print_line(console, dataset.left_out)
    recipe = ", ".join(f"{name} {value}" for name, value in dataclasses.asdict(config.recipe).items())
    print_line(console, f"recipe: {recipe}")
    if run.options.fsdp and jax.device_count() == 1:
        print_line(console, "--fsdp has no effect on one device")


def resume_command(argv: Sequence[str]) -> str:
    """The command that resumes the run of a process with this `sys.argv`, however that was started."""
    return shell_command(
        [*started_as(argv[0]), *(argument for argument in argv[1:] if argument != "--resume"), "--resume"]
    )
