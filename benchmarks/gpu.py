"""Everything that a GPU should be asked, in one program of under eight minutes.

python benchmarks/gpu.py --out gpu_results --fashion-mnist ~/fashion-mnist
python benchmarks/gpu.py --out gpu_results --parts vgg16 speedrun       # what the first run had no time for
JAX_PLATFORMS=cpu python benchmarks/gpu.py --out try --small            # small numbers on a CPU: does it work?

On a bare machine:

    pip install -e ".[test]" "jax[cuda12]" torch torchvision     # jax[cuda13] for a driver of CUDA 13

Where nothing can be installed, PYTHONPATH may name a folder with the packages: no part needs more than to import them.

Parts run in the order of their worth, each in a process of its own, and only where the time that is left suffices for
them; a part that takes twice as long as expected is stopped. After each row results.json and table.md are written
anew, and all output goes to log.txt: what is cut keeps all before it. The times are for an H200 with 16 cores. JAX and
torch share the memory where both run: 45 % is JAX's (XLA_PYTHON_CLIENT_MEM_FRACTION). Deterministic operations and
profiles are set by XLA_FLAGS of their parts; nothing of the device is changed.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gpu_parts.results import Results
from gpu_parts.sizes import SMALL

BENCHMARKS = Path(__file__).resolve().parent
LIMIT = 465.0
# A part may take so many times what is expected.
PATIENCE = 2.0
# To end a part, and to write what was found.
RESERVE = 5.0
# Programs that are tried are compiled without XLA's optimisations.
QUICK_FLAGS = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
SHARED_MEMORY = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.45"}
# Empty: no operation becomes part of a CUDA graph.
NO_GRAPHS = "--xla_gpu_enable_command_buffer="


@dataclass(frozen=True)
class Part:
    """A module of gpu_parts, and the seconds that it takes on an H200 with 16 cores, compilation included."""

    name: str
    seconds: float
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    flags: str = ""


def compared(network: str, seconds: float) -> Part:
    """The part that compares the training of a network with torch.compile."""
    return Part(network, seconds, "compare", (network,), SHARED_MEMORY)


PARTS = (
    Part("machine", 15, "machine"),
    Part("main-job", 70, "main_job"),
    compared("resnet50", 80),
    compared("googlenet_tv", 80),
    Part("step", 50, "step"),
    Part("kernels", 40, "kernels", flags=NO_GRAPHS),
    Part("tests", 60, "tests"),
    compared("convnext_tiny", 70),
    compared("vgg16", 45),
    Part("input", 25, "input_pipeline"),
    Part("deterministic", 75, "deterministic"),
    Part("speedrun", 120, "speedrun"),
)
SMALL_PARTS = tuple(part for part in PARTS if part.name not in ("googlenet_tv", "convnext_tiny", "vgg16"))


def main() -> int:
    """Run the parts. 1 if one failed, 3 where there is no accelerator."""
    args = parser().parse_args()
    deadline = time.monotonic() + args.seconds
    results = Results(args.out)
    with tempfile.TemporaryDirectory() as folder:
        for part in chosen_parts(args):
            limit = min(PATIENCE * part.seconds, deadline - time.monotonic() - RESERVE)
            arguments, missing = arguments_of(part, args, results)
            if not args.small and limit < part.seconds:
                missing = f"it takes about {part.seconds:.0f} s, and {max(0, limit):.0f} s are left"
            if missing:
                results.end_part(part.name, f"skipped: {missing}", 0)
                continue
            command = [sys.executable, "-u", "-m", f"gpu_parts.{part.module}", *arguments]
            start = time.monotonic()
            # Small numbers are for slow machines.
            limit = deadline - time.monotonic() - RESERVE if args.small else limit
            outcome = run_part(command, environment_of(part, Path(folder), args.small), limit, results.add_line)
            results.end_part(part.name, outcome, time.monotonic() - start)
            if part.name == "machine" and outcome == "failed with status 3":
                return 3
    print(*results.markdown(), sep="\n")
    return int(results.any_failed)


def chosen_parts(args: argparse.Namespace) -> Sequence[Part]:
    """Those that are asked for, in the order of their worth; the machine is always said."""
    parts = SMALL_PARTS if args.small else PARTS
    return [part for part in parts if not args.parts or part.name in ("machine", *args.parts)]


def arguments_of(part: Part, args: argparse.Namespace, results: Results) -> tuple[tuple[str, ...], str]:
    """The arguments of a part, and what it lacks, or ""."""
    if part.name == "speedrun" and not args.small:
        if not args.fashion_mnist.is_dir():
            return (), f"there is no folder {args.fashion_mnist}: give --fashion-mnist FOLDER, with its four IDX files"
        return (str(args.fashion_mnist.resolve()),), ""
    if part.name == "input" and (rate := results.figure("The step of train.py", "images/s")):
        return (str(rate),), ""
    return part.arguments, ""


def environment_of(part: Part, folder: Path, small: bool) -> dict[str, str]:
    """The environment of a part: the packages, a compilation cache that all share, and its flags of XLA."""
    paths = (BENCHMARKS.parent, BENCHMARKS, os.environ.get("PYTHONPATH", ""))
    # A part's own flags are of GPUs, and with them it would not find the program that another part has compiled.
    flags = (os.environ.get("XLA_FLAGS", ""), QUICK_FLAGS if small else part.flags)
    environment = {
        "ZOO_CACHE": str(folder / "cache"),
        **os.environ,
        **part.environment,
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path),
        "XLA_FLAGS": " ".join(filter(None, flags)),
    }
    return {**environment, SMALL: "1"} if small else environment


def run_part(
    command: Sequence[str], environment: Mapping[str, str], limit: float, add_line: Callable[[str], None]
) -> str:
    """Run a program, and give each line of its output to `add_line`; how it ended, or "ran".

    It is in a group of processes of its own, which ends with it.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def read() -> None:
        for line in process.stdout or ():
            add_line(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        status = process.wait(max(0.0, limit))
        return "ran" if status == 0 else f"failed with status {status}"
    except subprocess.TimeoutExpired:
        return f"stopped after {limit:.0f} s"
    finally:
        end_group(process)
        # What has left the group may keep the pipe open.
        reader.join(2)


def end_group(process: subprocess.Popen) -> None:
    """End what is left of a group of processes: politely, and after two seconds at once."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            continue


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--out", type=Path, default=Path("gpu_results"), metavar="DIR")
    top.add_argument("--seconds", type=float, default=LIMIT, help=f"for all parts together (default: {LIMIT:.0f})")
    names = [part.name for part in PARTS]
    top.add_argument("--parts", nargs="+", choices=names, help="only these", metavar="PART")
    folder = Path("/usr/share/datasets/fashion-mnist")
    top.add_argument("--fashion-mnist", type=Path, default=folder, metavar="DIR", help=f"(default: {folder})")
    top.add_argument("--small", action="store_true", help="small numbers, with which a CPU tries all of it")
    return top


if __name__ == "__main__":
    # A part that is running ends with this program.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(main())
