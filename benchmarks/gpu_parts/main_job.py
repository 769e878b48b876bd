"""`train.py --model googlenet` on the embedded digits, to its end: with an empty compilation cache, and again."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gpu_parts.rows import emit
from gpu_parts.sizes import is_small
from zoo.training import RunFolder
from zoo.training.logging.rows import read_evaluations

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Emit a row for each run."""
    arguments = ["--model", "lenet5", "--epochs", "1"] if is_small() else ["--model", "googlenet"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ZOO_CACHE": f"{folder}/cache"}
        environment.pop("JAX_COMPILATION_CACHE_DIR", None)
        for cache in ("empty", "full"):
            train([*arguments, "--run-dir", f"{folder}/{cache}"], environment, cache)


def train(arguments: list[str], environment: dict[str, str], cache: str) -> None:
    """Run train.py, and emit its times and result. Raises CalledProcessError where it fails."""
    start, first = time.perf_counter(), None
    command = [sys.executable, "-u", str(ROOT / "train.py"), *arguments]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if first is None and "first step" in line:
                first = time.perf_counter() - start
    seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    last = read_evaluations(RunFolder(Path(arguments[-1])))[-1]
    emit(
        f"train.py {' '.join(arguments[:-2])}, on digits",
        **{"compilation cache": cache, "first step after, s": first, "all of it, s": seconds},
        **{"test accuracy": last["test_accuracy"], "images/s of the last epoch": last.get("images_per_second")},
    )


if __name__ == "__main__":
    main()
