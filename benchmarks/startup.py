"""Time to the first result, and peak memory: each contender in a separate process, without and with JAX's cache.

python benchmarks/startup.py --networks googlenet_tv resnet50 --contenders zoo plain torch --json startup.json

"first" is from the start of the process to the end of the first training step (or inference), imports and compilation
included; "again" is the same with the compilation cache of the first (torch eager has none). The row "train.py" is
`python train.py --model googlenet` on the embedded digits, until it prints that the first step is done.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from zoo.commands.arguments.types import InRange
from zoo.runtime.limits import BATCH_SIZE

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Row:
    """Seconds to the first result, without and with a compilation cache, and the largest resident memory in MB."""

    network: str
    contender: str
    first_seconds: float
    again_seconds: float
    peak_megabytes: float


def main() -> None:
    """Measure, print the table, write the JSON."""
    args = parser().parse_args()
    if args.child:
        run_child(*args.child, training=args.mode == "training")
        return
    rows = []
    if not args.without_train:
        rows.append(show(measured("googlenet on digits", "train.py", train_command())))
    for network in args.networks:
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            write_workload(file.name, network, args.batch_size)
            for contender in args.contenders:
                command = [sys.executable, __file__, "--child", network, contender, file.name, "--mode", args.mode]
                rows.append(show(measured(network, contender, command)))
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def write_workload(file: str, network: str, batch_size: int) -> None:
    """Weights, images and labels as a file, for processes that need no torch."""
    from workload import make_workload

    workload = make_workload(network, batch_size, training=True)
    state = {key: np.asarray(value) for key, value in workload.state.items()}
    np.savez(file, images=workload.images, labels=workload.labels, **state)


def run_child(network: str, contender: str, file: str, *, training: bool) -> None:
    """One contender's first run; prints a line when it is done, and does a second run for the peak memory."""
    from contenders import CONTENDERS
    from workload import Workload

    from zoo.training import enable_compilation_cache

    enable_compilation_cache()
    with np.load(file) as stored:
        state = {key: stored[key] for key in stored.files}
    images, labels = state.pop("images"), state.pop("labels")
    created = CONTENDERS[contender](Workload(network, state, images, labels, training))
    created.run()
    print("the first step is done", flush=True)
    created.run()


def train_command() -> list[str]:
    """The README's training command, for one epoch."""
    return [sys.executable, str(ROOT / "train.py"), "--model", "googlenet", "--epochs", "1", "--run-dir", "run"]


def measured(network: str, contender: str, command: list[str]) -> Row:
    """Run the command twice in a temporary folder, with a cache that is empty the first time."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "ZOO_CACHE": f"{folder}/cache", "PYTHONPATH": path}
        first, peak = to_first_step(command, folder, environment)
        shutil.rmtree(f"{folder}/run", ignore_errors=True)
        again, _ = to_first_step(command, folder, environment)
    return Row(network, contender, first, again, peak)


def to_first_step(command: list[str], folder: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the start to the line about the first step, and the peak memory in MB at the end."""
    start, seconds, lines = time.perf_counter(), None, []
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            lines.append(line)
            if seconds is None and re.search("first step", line):
                seconds = time.perf_counter() - start
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or seconds is None:
        raise RuntimeError(f"{' '.join(command)} failed: {''.join(lines[-5:])}")
    return seconds, usage.ru_maxrss / 1024


def show(row: Row) -> Row:
    """Print a row and return it."""
    print(
        f"{row.network:20s} {row.contender:10s} first {row.first_seconds:6.1f} s   again {row.again_seconds:6.1f} s   "
        f"peak {row.peak_megabytes:7.0f} MB",
        flush=True,
    )
    return row


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--networks", nargs="*", default=["googlenet_tv"])
    top.add_argument("--contenders", nargs="+", default=["zoo", "plain", "torch"])
    top.add_argument("--batch-size", type=InRange(BATCH_SIZE), default=8)
    top.add_argument("--mode", choices=("training", "inference"), default="training")
    top.add_argument("--without-train", action="store_true", help="without the row of train.py")
    top.add_argument("--json", type=Path)
    top.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    return top


if __name__ == "__main__":
    main()
