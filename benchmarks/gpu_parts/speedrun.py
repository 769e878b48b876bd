"""The fastest training to 94 % on Fashion-MNIST: python -m gpu_parts.speedrun FOLDER, that of the four IDX files."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from input import write_idx

from gpu_parts.main_job import ROOT
from gpu_parts.rows import emit
from gpu_parts.sizes import is_small
from zoo.training import RunFolder
from zoo.training.logging.rows import read_evaluations

GOAL = 0.94
ARGUMENTS = ("--model", "airbench94", "--recipe", "speedrun")
SMALL_ARGUMENTS = ("--model", "lenet5", "--recipe", "speedrun", "--epochs", "1", "--image-size", "32")


def main() -> None:
    """Train, and emit a row after each evaluation, so that a run that is cut has its last one."""
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary) / "noise" if is_small() else Path(sys.argv[1])
        if is_small():
            write_idx(data, 256)
        train(data, Path(temporary) / "run")


def train(data: Path, folder: Path) -> None:
    """Train into a folder. Raises CalledProcessError where train.py fails."""
    arguments = [*(SMALL_ARGUMENTS if is_small() else ARGUMENTS), "--dataset", str(data), "--run-dir", str(folder)]
    start, shown = time.perf_counter(), 0
    command = [sys.executable, "-u", str(ROOT / "train.py"), *arguments]
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            shown = show(folder, shown, time.perf_counter() - start)
            time.sleep(0.5)
    show(folder, shown, time.perf_counter() - start)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def show(folder: Path, shown: int, seconds: float) -> int:
    """Emit the evaluations after the first `shown`; how many there are."""
    run = RunFolder(folder)
    rows = read_evaluations(run)
    for row in rows[shown:]:
        accuracy = row["test_accuracy"]
        emit(
            "The speed run to 94 % on Fashion-MNIST",
            epoch=row["epoch"],
            **{"test accuracy": accuracy, "after, s": seconds, "of it training, s": row["seconds"]},
            **{"images/s": row.get("images_per_second"), "reached": bool(accuracy and accuracy >= GOAL)},
        )
    return len(rows)


if __name__ == "__main__":
    main()
