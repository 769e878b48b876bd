"""Try a recipe on Fashion-MNIST without looking at its test images, and write down what came of it.

PYTHONPATH=. python benchmarks/search.py ~/fashion-mnist --model googlenet_bn --recipe default --epochs 3 --flip

What follows the data are flags of train.py. A trial trains on the first 50,000 training images and is evaluated on the
other 10,000. It adds one line of JSON to the log (--log): the flags, the accuracy and the loss at the end, and the
minutes of processor time, compilation included. A trial that is in the log is not run again. Without flags the log is
printed as a table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import zoo
from zoo.training import RunFolder
from zoo.training.logging.rows import read_evaluations

HELD_OUT = 10_000


def main() -> None:
    """Run one trial, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with the four IDX files")
    parser.add_argument("--log", type=Path, default=Path("docs/search.jsonl"), metavar="FILE")
    args, flags = parser.parse_known_args()
    trials = read(args.log)
    if not flags:
        print(table(trials))
    elif flags not in [trial["flags"] for trial in trials]:
        trial = run(flags, args.data)
        with args.log.open("a") as log:
            log.write(json.dumps(trial) + "\n")
        print(table([trial]))


def read(log: Path) -> list[dict]:
    """The trials of a log, in their order; none if there is no such file."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def run(flags: list[str], data: Path) -> dict:
    """Train with these flags, and return the trial."""
    with tempfile.TemporaryDirectory() as temporary:
        # Its name has the table of recipes for Fashion-MNIST.
        split, folder = Path(temporary, "fashion-mnist"), Path(temporary, "run")
        write_split(data, split)
        command = [sys.executable, "train.py", "--dataset", str(split), "--run-dir", str(folder), *flags]
        before = processor_seconds()
        subprocess.run(command, check=True)
        minutes = (processor_seconds() - before) / 60
        last = read_evaluations(RunFolder(folder))[-1]
    return {
        "flags": flags,
        "accuracy": last["test_accuracy"],
        "loss": round(last["test_loss"], 4),
        "train_loss": round(last["loss"], 4),
        "processor_minutes": round(minutes, 2),
    }


def processor_seconds() -> float:
    """Of all child processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def write_split(data: Path, folder: Path) -> None:
    """Four IDX files: the last training images are the test images."""
    train = zoo.data.open_dataset(data).train
    folder.mkdir()
    for name, part in (("train", slice(-HELD_OUT)), ("t10k", slice(-HELD_OUT, None))):
        write_idx(folder / f"{name}-images-idx3-ubyte", train.images[part, :, :, 0])
        write_idx(folder / f"{name}-labels-idx1-ubyte", train.labels[part])


def write_idx(path: Path, array: np.ndarray) -> None:
    """As uint8."""
    sizes = np.array(array.shape, ">u4").tobytes()
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes())


def table(trials: list[dict]) -> str:
    """One row per trial."""
    lines = ["| settings | accuracy | loss | processor minutes |", "|---|--:|--:|--:|"]
    for trial in trials:
        accuracy, loss, minutes = (trial[name] for name in ("accuracy", "loss", "processor_minutes"))
        lines.append(f"| `{' '.join(trial['flags'])}` | {accuracy:.4f} | {loss:.4f} | {minutes:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
