"""The tests that are marked gpu: values of the device against those of the CPU."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections import Counter

from gpu_parts.main_job import ROOT
from gpu_parts.rows import emit
from gpu_parts.sizes import is_small

RESULT = re.compile(r"(?P<status>PASSED|FAILED|ERROR|SKIPPED)\b")
TEST = re.compile(r"\S+\.py::(?P<test>\w+(\[.*?\])?)")
WORKERS = 8


def main() -> None:
    """Emit a row for each test that failed, and the number of all so far."""
    platforms = "cpu" if is_small() else "cuda,cpu"
    command = [
        sys.executable,
        "-u",
        "-m",
        "pytest",
        "-m",
        "gpu",
        "-v",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "tests/gpu",
    ]
    if is_small():
        command += ["-k", "form"]
    elif importlib.util.find_spec("xdist"):
        command += ["-n", str(WORKERS)]
    # Several processes share the memory.
    environment = {**os.environ, "ZOO_TESTS_PLATFORMS": platforms, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    counts, summed_up, start = Counter[str](), False, time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            # The line of a test that has ended has both; the summary repeats those that failed.
            summed_up = summed_up or "short test summary" in line
            result, test = RESULT.search(line), TEST.search(line)
            if summed_up or not result or not test:
                continue
            counts[result["status"]] += 1
            if result["status"] in ("FAILED", "ERROR"):
                emit("Tests that failed", test=test["test"])
    emit("Tests on the device", **{name.lower(): counts[name] for name in ("PASSED", "FAILED", "ERROR", "SKIPPED")})
    print(f"{time.perf_counter() - start:.0f} s, status {process.returncode}")


if __name__ == "__main__":
    main()
