"""Train a network.

zoo train --model googlenet                                  on the embedded digits
zoo train --model lenet5 --dataset ~/fashion-mnist           a folder of IDX files
zoo train --model googlenet_bn --dataset ~/photos            a folder with one folder per class
zoo train --model vgg16_bn --dataset cifar10 --epochs 30     a TFDS data set
zoo train --model my_nets:Net --model-arg width=2            your own network, a class in my_nets.py
zoo train --model googlenet --resume                         resume after Ctrl-C
zoo train --model googlenet --resume --epochs 40             extend a stopped or finished run
zoo train --run-dir checkpoints/googlenet-pets --resume      the folder knows its network and data
zoo train --model resnet18 --dataset ~/photos --pretrained --freeze backbone         only a new head
zoo train --model airbench94 --model-arg widths=32,128,128 --dataset ~/fashion-mnist --recipe speedrun        94 % fast
zoo train --model resnet50 --dataset imagenet2012 --dry-run                          what it will take, and no more

Ctrl-C saves the run and prints the command that resumes it (exit status 130; a second Ctrl-C does not wait). Bad input
is one line and exit status 2.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

from zoo.commands.arguments.dataset import check_data_dir, named_dataset
from zoo.commands.arguments.network import known_model, model_fields
from zoo.commands.arguments.remembered_data import run_dataset
from zoo.commands.arguments.training import add_training_arguments, given_fields
from zoo.errors import ZooError
from zoo.printable import shell_command
from zoo.runtime.process import started_as

if TYPE_CHECKING:
    from rich.console import Console

    from zoo.data import Dataset
    from zoo.training import RunFolder
    from zoo.training.plan.run_plan import RunPlan
    from zoo.training.run_request import RunRequest

HELP = "train a network"
DEFAULT_DATASET = "digits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `train`."""
    add_training_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Train in one or several processes, print the result, and return the exit status.

    It is 130, 143 or 129 for a run that was stopped by Ctrl-C, SIGTERM or SIGHUP.
    """
    from rich.console import Console

    from zoo.runtime.console import output_console, print_line
    from zoo.training import enable_compilation_cache
    from zoo.training.distributed import Cluster, fail_on_all_processes, is_first, join_cluster
    from zoo.training.first_lines import print_run
    from zoo.training.prepare import check_same_run, plan_only, prepare, train_prepared

    start = time.perf_counter()
    check_arguments(args)
    console, lock = output_console(), ExitStack()
    # Before anything is compiled: JAX decides then whether it uses the cache.
    enable_compilation_cache()
    watch: AbstractContextManager = nullcontext()
    if args.distributed or args.coordinator is not None:
        watch = join_cluster(Cluster(args.coordinator, args.processes, args.process), lock.close)
        console = console if is_first() else Console(quiet=True)
    with watch, lock:
        if args.dry_run:
            shown = Console(quiet=True) if args.json else console
            return print_plan(plan_only(run_request(args), shown), console, as_json=args.json)
        with fail_on_all_processes():
            prepared = prepare(run_request(args), console, lock)
        check_same_run(prepared)
        print_run(prepared, console)
        outcome = train_prepared(prepared, console)
    if outcome.exit_code:
        print_line(console, f"stopped and saved after step {outcome.step}; resume with: {resume_command(sys.argv)}")
    elif is_first():
        print(f"test_accuracy={outcome.test_accuracy:.4f} seconds={time.perf_counter() - start:.1f}")
    return outcome.exit_code


def print_plan(plan: RunPlan, console: Console, *, as_json: bool) -> int:
    """Print what a run would take, as lines or as JSON, and return the exit status."""
    from zoo.runtime.console import print_line
    from zoo.training.distributed import is_first
    from zoo.training.plan.plan_lines import plan_json, plan_report

    if as_json and is_first():
        print(plan_json(plan))
    for line in [] if as_json else plan_report(plan):
        print_line(console, line)
    return 0


def check_arguments(args: argparse.Namespace) -> None:
    """Raises ZooError for what is wrong without looking at data, weights or other processes."""
    from zoo.training import Recipe, RunFolder, RunOptions

    if args.model is None and not (args.resume and args.run_dir):
        raise ZooError("--model is missing: name a network; --resume --run-dir DIR needs none; see zoo train --help")
    args.model = known_model(args.model or RunFolder(args.run_dir).read_config().model)
    args.fields = model_fields(args.model, args.model_arg)
    if "aux_heads" in args.fields:
        raise ZooError("--model-arg aux_heads: the recipe sets it; give --aux-heads or --no-aux-heads")
    check_data_dir(args.dataset, args.data_dir)
    Recipe(**given_fields(args, Recipe))
    RunOptions(**given_fields(args, RunOptions))
    if args.resume and args.run_dir:
        RunFolder(args.run_dir).read_config(args.model)
    if args.json and not args.dry_run:
        raise ZooError("--json is the form of a plan: give --dry-run too")
    if args.coordinator is None and not args.processes is args.process is None:
        raise ZooError("--processes and --process need --coordinator HOST:PORT too")


def run_request(args: argparse.Namespace) -> RunRequest:
    """What the arguments ask for, with the data set opened."""
    from zoo.training import Recipe, RunOptions
    from zoo.training.run_request import RunRequest

    dataset, folder = open_data(args)
    return RunRequest(
        model=args.model,
        dataset=dataset,
        folder=folder,
        overrides=given_fields(args, Recipe),
        recipe_name=args.recipe,
        pretrained=args.pretrained,
        fields=args.fields,
        resume=args.resume,
        options=RunOptions(**given_fields(args, RunOptions)),
    )


def open_data(args: argparse.Namespace) -> tuple[Dataset, RunFolder]:
    """The data set of --dataset, or that of the run which is resumed, and the run folder."""
    from zoo.training import RunFolder
    from zoo.training.checkpoint.run_folder import RUNS

    def folder_for(dataset_name: str) -> RunFolder:
        # A colon is no part of a file's name everywhere.
        return RunFolder(args.run_dir or RUNS / f"{args.model.replace(':', '.')}-{dataset_name}")

    if args.resume and args.dataset is None:
        folder = folder_for(DEFAULT_DATASET)
        return run_dataset(folder.read_config(args.model), args.data_dir), folder
    dataset = named_dataset(args.dataset or DEFAULT_DATASET, args.data_dir, note_left_out=False)
    return dataset, folder_for(dataset.name)


def resume_command(argv: Sequence[str]) -> str:
    """The command that resumes the run of a process with this `sys.argv`, however that was started."""
    return shell_command(
        [*started_as(argv[0]), *(argument for argument in argv[1:] if argument != "--resume"), "--resume"]
    )
