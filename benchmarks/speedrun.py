"""Time short runs with several seeds: seconds to the end of each, and how many are at 94.0 % or above.

PYTHONPATH=. python benchmarks/speedrun.py ~/fashion-mnist --model googlenet_bn --recipe speedrun --seeds 0 1 2
PYTHONPATH=. python benchmarks/speedrun.py digits --model lenet5 --recipe speedrun_digits --log docs/digits.jsonl

Other flags are those of train.py. Each run adds a line of JSON to the log; seeds that are in it are not run again. The
time is that of the whole run, from its first image to its last evaluation, but for the compilation of its step.
Accuracies are those of the last step: of the run itself, and with the mean over each image and its mirror image (`zoo
evaluate --views 2`), whose time is given beside it.
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
    args, flags = parser.parse_known_args()
    for seed in args.seeds:
        if seed not in [run["seed"] for run in read(args.log)]:
            run = timed_run(args.data, seed, flags)
            with args.log.open("a") as log:
                log.write(json.dumps(run) + "\n")
    print(table(read(args.log)))


def read(log: Path) -> list[dict]:
    """The runs of a log, in their order; none if there is no such file."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def timed_run(data: str, seed: int, flags: list[str]) -> dict:
    """Train with these flags, and return the line of the log."""
    with tempfile.TemporaryDirectory() as temporary:
        places = ["--dataset", data, "--run-dir", f"{temporary}/run", "--seed", str(seed)]
        command = [sys.executable, "train.py", *places, *flags]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(output.splitlines()[-1], flush=True)
        folder = Path(temporary, "run")
        last = read_evaluations(RunFolder(folder))[-1]
        weights = checkpoint_weights(folder, int(last["step"]))
        mirrored = zoo.evaluate(weights, zoo.data.open_dataset(data), views=2)
    found = COMPILED.search(output)
    compiling = float(found.group(1)) if found else 0.0
    return {
        "flags": flags,
        "seed": seed,
        "accuracy": last["test_accuracy"],
        "accuracy_mirrored": round(float(mirrored.top1_accuracy), 4),
        "seconds": round(last["seconds"] - compiling, 1),
        "seconds_mirrored": round(len(mirrored.correct) / (mirrored.images_per_second or 1), 1),
        "compiling": compiling,
        "images_per_second": round(last["images_per_second"] or 0),
    }


def table(runs: list[dict]) -> str:
    """A row per run, and a line about all of them."""
    if not runs:
        return "no runs"
    names = ("seed", "accuracy", "accuracy_mirrored", "seconds", "seconds_mirrored", "compiling")
    lines = [
        "| seed | test accuracy | with mirror images | seconds | of mirror images | of compilation |",
        "|--:|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(str(run[name]) for name in names)} |" for run in runs),
        "",
    ]
    for name in ("accuracy", "accuracy_mirrored"):
        values = [run[name] for run in runs]
        deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        above = sum(value >= GOAL for value in values)
        lines.append(f"{name}: {statistics.mean(values):.4f}{deviation}, {above} of {len(runs)} at {GOAL:.1%} or above")
    lines.append(f"{statistics.mean(run['seconds'] for run in runs):.0f} seconds per run")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
