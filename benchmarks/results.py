"""Train the classic networks on Fashion-MNIST, each with its recipe and several seeds, and print the table of results.

PYTHONPATH=. python benchmarks/results.py ~/fashion-mnist --seeds 0 1 2 --networks lenet5 googlenet_bn

Runs go to results/<network>-<seed> (--runs), one after the other, the first seed of all networks first. Existing runs
are kept: called again, this script resumes stopped runs and trains the missing ones. The table has one row per network,
of its finished runs; where there is none, of a run that says how far it got.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from zoo.training import RunFolder
from zoo.training.logging.rows import read_evaluations

NETWORKS = (
    "lenet5",
    "alexnet",
    "zfnet",
    "nin_cifar10",
    "vgg11_bn",
    "googlenet",
    "googlenet_bn",
    "squeezenet1_1",
    "resnet18",
    "mobilenet_v2",
    "densenet121",
    "resnet20_cifar",
    "wrn_16_4",
    "densenet_bc_100_12",
    "wrn_28_10",
)
# For the same family of networks, from the data set's README, https://github.com/zalandoresearch/fashion-mnist#benchmark.
README = {
    "alexnet": "0.899",
    "squeezenet1_1": "0.900",
    "vgg11_bn": "0.935 (VGG16)",
    "googlenet": "0.937",
    "googlenet_bn": "0.937",
    "resnet18": "0.949",
    "mobilenet_v2": "0.950 (MobileNet)",
    "densenet121": "0.954 (DenseNet-BC, 768K)",
    "densenet_bc_100_12": "0.954",
    "wrn_28_10": "0.963",
}


def main() -> None:
    """Train the missing runs, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with the four IDX files")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    parser.add_argument("--runs", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    for seed in args.seeds:
        for name in args.networks:
            if not args.table and not is_finished(args.runs / f"{name}-{seed}"):
                train(name, seed, args.data, args.runs / f"{name}-{seed}")
    print(table(args.runs))


def train(name: str, seed: int, data: Path, folder: Path) -> None:
    """Train one network from the beginning, or to its end."""
    command = [sys.executable, "train.py", "--model", name, "--dataset", str(data), "--run-dir", str(folder)]
    start_or_resume = ["--resume"] if RunFolder(folder).exists() else ["--seed", str(seed)]
    training = subprocess.Popen([*command, *start_or_resume])
    while True:
        try:
            code = training.wait()
            break
        except KeyboardInterrupt:
            # The training gets the interrupt too, and saves.
            continue
    if code:
        sys.exit(code)


def is_finished(folder: Path) -> bool:
    """Whether a run has trained all its epochs."""
    run = RunFolder(folder)
    rows = read_evaluations(run)
    return bool(rows) and rows[-1]["epoch"] == run.read_config().recipe.epochs


def table(runs: Path) -> str:
    """One row per network: mean and standard deviation over its seeds, its recipe in short, and the time."""
    lines = [
        "| network | test accuracy | seeds | epochs | image size | minutes per run | README of the data set |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for name in NETWORKS:
        # Without the folders to which earlier runs of a seed were moved.
        seeds = sorted(folder for folder in runs.glob(f"{name}-*") if folder.name.removeprefix(f"{name}-").isdigit())
        begun = [RunFolder(folder) for folder in seeds if read_evaluations(RunFolder(folder))]
        if begun:
            lines.append(row(name, [folder for folder in begun if is_finished(folder.path)] or begun[:1]))
    return "\n".join(lines)


def row(name: str, folders: list[RunFolder]) -> str:
    """The row of one network, of finished runs or of one that has not finished."""
    last = [read_evaluations(folder)[-1] for folder in folders]
    accuracies = [metrics["test_accuracy"] for metrics in last]
    config = folders[0].read_config()
    deviation = f" ± {statistics.stdev(accuracies):.4f}" if len(accuracies) > 1 else ""
    epochs, done = config.recipe.epochs, last[0]["epoch"]
    cells = (
        f"`{name}`",
        f"{statistics.mean(accuracies):.4f}{deviation}",
        len(folders),
        epochs if done == epochs else f"{done:g} of {epochs} so far",
        config.preprocessing.image_shape[0],
        f"{statistics.mean(metrics['seconds'] for metrics in last) / 60:.0f}",
        README.get(name, ""),
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
