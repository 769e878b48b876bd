"""The arguments of `train`: a flag for each field of Recipe and RunOptions, and where the run is."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from zoo.commands.arguments.network import MODEL_HELP, add_model_arg
from zoo.commands.arguments.types import InRange, path
from zoo.runtime.limits import PROCESS, PROCESSES

RECIPE_HELP = """Many networks and data sets have other defaults, which a run prints as its recipe. With --pretrained
they are 10 epochs and a --backbone-rate of 0.1, and images get the size, mean and standard deviation of the weights.
--freeze takes a regular expression too, which matches whole paths of layers or parameters: 'stem|block[1-3]_.*'; a
frozen layer runs as in inference."""

METAVARS: dict[Any, str] = {int: "N", float: "X"}


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Each field of Recipe and RunOptions is a flag, absent from the result if it is not given."""
    from zoo.training import Recipe, RunOptions
    from zoo.training.config.recipes.named import NAMED
    from zoo.training.config.run_config import DEFAULT_WEIGHTS

    parser.add_argument("--model", metavar="NAME", help=MODEL_HELP)
    add_model_arg(parser)
    parser.add_argument(
        "--dataset",
        metavar="DATA",
        help="digits, a folder, hf://datasets/..., or a TFDS name (default: digits, or with --resume the data of the "
        "run). A folder has "
        "splits such as train and test, or a fifth of each class is for testing, by a hash of the image's path in it",
    )
    parser.add_argument(
        "--data-dir", type=path, metavar="DIR", help="where TFDS keeps data sets (default: that of TFDS)"
    )
    parser.add_argument("--run-dir", type=path, metavar="DIR", help="run folder (default: checkpoints/MODEL-DATA)")
    parser.add_argument(
        "--pretrained",
        nargs="?",
        const=DEFAULT_WEIGHTS,
        metavar="WEIGHTS",
        help="start from these weights, or the network's default ones, with a new head for the classes of the data",
    )
    parser.add_argument(
        "--recipe", choices=sorted(NAMED), help="default: that of the network and the data; zoo recipes"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="resume the run in the run folder; more --epochs extend it, and docs/runs.md lists what may change",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="compile the step, print steps, learning rate, memory, disk, time and input, and stop: nothing is written "
        "but the compiled program, which the run will find",
    )
    parser.add_argument("--json", action="store_true", help="with --dry-run: print the plan as JSON")
    add_fields(parser.add_argument_group("recipe", RECIPE_HELP), Recipe)
    options = parser.add_argument_group(
        "run options", "do not change the trained network, and may differ with --resume"
    )
    add_fields(options, RunOptions)
    processes = parser.add_argument_group("processes", "start the same command in each process, on any machines")
    processes.add_argument("--distributed", action="store_true", help="as set by SLURM, Kubernetes or a TPU pod")
    processes.add_argument("--coordinator", metavar="HOST:PORT", help="otherwise: the address of the first process")
    processes.add_argument("--processes", type=InRange(PROCESSES), metavar="N", help="number of processes")
    processes.add_argument("--process", type=InRange(PROCESS), metavar="I", help="index of this process, from 0")


def add_fields(group: argparse._ArgumentGroup, config: type) -> None:
    """Add a flag for each field of a dataclass whose fields are made by `config_field`."""
    from zoo.training.config.config_field import choices_of, describe, number_range, value_type

    for field in dataclasses.fields(config):
        # argparse formats help texts with %.
        flag, text = "--" + field.name.replace("_", "-"), describe(field).replace("%", "%%")
        if field.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
            continue
        kind = value_type(field)
        group.add_argument(
            flag,
            type=InRange(number_range(field)) if kind in METAVARS else str,
            choices=choices_of(field) or None,
            metavar=field.metadata["metavar"] or METAVARS.get(kind),
            default=argparse.SUPPRESS,
            help=text,
        )


def given_fields(args: argparse.Namespace, config: type) -> dict[str, Any]:
    """The arguments that are fields of a dataclass and were given on the command line."""
    return {field.name: getattr(args, field.name) for field in dataclasses.fields(config) if hasattr(args, field.name)}
