"""Time short runs with several seeds: seconds to the end of each, and how many are at 94.0 % or above.

PYTHONPATH=. python benchmarks/speedrun.py ~/fashion-mnist --mirror --model airbench94 --model-arg widths=32,128,128 \\
  --recipe speedrun
PYTHONPATH=. python benchmarks/speedrun.py digits --model lenet5 --recipe speedrun_digits --log docs/digits.jsonl

Other flags are those of train.py. Each run adds a line of JSON to the log; seeds that are in it are not run again. The
time is that of the whole run, from its first image to its last evaluation, but for the compilation of its step.
The accuracy is that of the last step; with --mirror there is also that of the mean over each image and its mirror image
(`zoo evaluate --views 2`), and its time.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights
from zoo.training.logging.rows import read_evaluations

GOAL = 0.94
COMPILED = re.compile(r"compiled and ran the first step in ([\d.]+) s")


def main() -> None:
    """Run the seeds that are missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a folder with the four IDX files, or digits")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(10)), metavar="N")
    parser.add_argument("--log", type=Path, default=Path("docs/speedrun.jsonl"), metavar="FILE")
    parser.add_argument("--mirror", action="store_true", help="also evaluate with mirror images")
    args, flags = parser.parse_known_args()
    for seed in args.seeds:
        if seed not in [run["seed"] for run in read(args.log)]:
            run = timed_run(args.data, seed, flags, mirror=args.mirror)
            with args.log.open("a") as log:
                log.write(json.dumps(run) + "\n")
    print(table(read(args.log)))


def read(log: Path) -> list[dict]:
    """The runs of a log, in their order; none if there is no such file."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def timed_run(data: str, seed: int, flags: list[str], *, mirror: bool) -> dict:
    """Train with these flags, and return the line of the log."""
    with tempfile.TemporaryDirectory() as temporary:
        places = ["--dataset", data, "--run-dir", f"{temporary}/run", "--seed", str(seed)]
        command = [sys.executable, "train.py", *places, *flags]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(output.splitlines()[-1], flush=True)
        folder = Path(temporary, "run")
        last = read_evaluations(RunFolder(folder))[-1]
        mirrored = mirrored_accuracy(folder, int(last["step"]), data) if mirror else {}
    found = COMPILED.search(output)
    compiling = float(found.group(1)) if found else 0.0
    return {
        "flags": flags,
        "seed": seed,
        "accuracy": round(last["test_accuracy"], 4),
        "seconds": round(last["seconds"] - compiling, 1),
        "compiling": compiling,
        "images_per_second": round(last["images_per_second"] or 0),
        **mirrored,
    }


def mirrored_accuracy(folder: Path, step: int, data: str) -> dict:
    """The accuracy with mirror images, and its time; for the log."""
    found = zoo.evaluate(checkpoint_weights(folder, step), zoo.data.open_dataset(data), views=2)
    return {
        "accuracy_mirrored": round(float(found.top1_accuracy), 4),
        "seconds_mirrored": round(found.images / (found.images_per_second or 1), 1),
    }


def table(runs: list[dict]) -> str:
    """A row per run, and lines about all of them."""
    if not runs:
        return "no runs"
    lines = [
        "| seed | test accuracy | seconds | of compilation besides | with mirror images |",
        "|--:|--:|--:|--:|--:|",
    ]
    for run in runs:
        mirrored = f"{run['accuracy_mirrored']:.4f}" if "accuracy_mirrored" in run else ""
        cells = (run["seed"], f"{run['accuracy']:.4f}", run["seconds"], run["compiling"], mirrored)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", f"{statistics.mean(run['seconds'] for run in runs):.0f} seconds per run"]
    for name in ("accuracy", "accuracy_mirrored"):
        if values := [run[name] for run in runs if name in run]:
            lines.append(f"{name}: {summary(values)}")
    return "\n".join(lines)


def summary(accuracies: list[float]) -> str:
    """Mean, standard deviation, and how many reach the goal."""
    deviation = f" ± {statistics.stdev(accuracies):.4f}" if len(accuracies) > 1 else ""
    above = sum(accuracy >= GOAL for accuracy in accuracies)
    return f"{statistics.mean(accuracies):.4f}{deviation}, {above} of {len(accuracies)} at {GOAL:.1%} or above"


if __name__ == "__main__":
    main()
