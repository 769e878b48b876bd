"""Compare training steps and inference of the zoo with torch and plain Flax, alternately in one process.

python benchmarks/speed.py --networks googlenet_tv resnet50 --batch-sizes 8 32 --json speed.json

All contenders have the same weights, He's initial values, and no dropout. Before the measurement their logits are
compared, and for training the loss before and after a step. Figures are medians over the rounds. A ratio is computed in
each round, the speed of the first contender over that of the other: above 1 the first is faster.

Contenders of torch need torch and torchvision; torch.max-autotune is torch.compile with its autotuner, which takes
minutes to start. On a GPU set XLA_PYTHON_CLIENT_MEM_FRACTION=0.45, which leaves memory to torch, and --steps 20: with
several steps in flight the time to start them does not count.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import jax
import numpy as np
from contenders import CONTENDERS
from torch_contenders import memory_note
from workload import NETWORKS, Contender, Workload, check_same, check_same_training, make_workload, tolerances

import zoo
from zoo.commands.arguments.types import InRange
from zoo.runtime.huge_pages import restart_with_huge_pages
from zoo.runtime.limits import BATCH_SIZE, POSITIVE_COUNT
from zoo.training.logging.flop_utilization import teraflops, utilisation


@dataclass(frozen=True)
class Row:
    """One contender's figures for one workload; `ratio` has the lower quartile, the median and the upper quartile.

    `utilisation` is the fraction of the device's peak, None if that is not known.
    """

    network: str
    mode: str
    batch_size: int
    contender: str
    images_per_second: float
    ratio: tuple[float, float, float]
    teraflops: float
    utilisation: float | None


def main() -> int:
    """Measure, print the table, write the JSON."""
    args = parser().parse_args()
    print(f"{platform.machine()}, {jax.default_backend()}, {jax.device_count()} device(s), jax {jax.__version__}")
    if jax.default_backend() == "gpu":
        print(memory_note())
    rows: list[Row] = []
    for network in args.networks:
        for batch_size in args.batch_sizes:
            for mode in args.modes:
                workload = make_workload(network, batch_size, mode == "training", args.dtype)
                found = measure(workload, args.contenders, args.rounds, args.steps)
                print(*map(as_text, found), sep="\n", flush=True)
                rows += found
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


def measure(workload: Workload, names: list[str], rounds: int, steps: int = 1) -> list[Row]:
    """One row per contender. Raises RuntimeError if they do not compute the same function."""
    contenders = [made for name in names if (made := CONTENDERS[name](workload))]
    print(check_and_warm_up(contenders, workload), flush=True)
    seconds = np.array([[timed(contender, steps) for contender in contenders] for _ in range(rounds)])
    return [
        as_row(workload, contender, column, column / seconds[:, 0])
        for contender, column in zip(contenders, seconds.T, strict=True)
    ]


def check_and_warm_up(contenders: list[Contender], workload: Workload) -> str:
    """Run each twice, which compiles. Returns how far they differ, in words.

    Raises RuntimeError if they do not compute the same function.
    """
    of_logits, of_losses = tolerances(workload.dtype)
    names = ", ".join(contender.name for contender in contenders)
    logits = check_same(contenders, of_logits)
    found = f"{workload.network}: {names} compute the same: logits differ by at most {logits:.1e} of their deviation"
    if workload.training:
        loss = check_same_training(contenders, of_losses)
        return f"{found}, losses before and after a step by {loss:.1e} of what it does to them"
    for contender in contenders:
        contender.run(2)
    return found


def as_row(workload: Workload, contender: Contender, seconds: np.ndarray, ratios: np.ndarray) -> Row:
    """The figures of one contender over all rounds."""
    batch_size, macs = len(workload.labels), zoo.model_info(workload.network).macs
    rate = float(batch_size / np.median(seconds))
    return Row(
        network=workload.network,
        mode="training" if workload.training else "inference",
        batch_size=batch_size,
        contender=contender.name,
        images_per_second=rate,
        ratio=tuple(np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()),
        teraflops=teraflops(macs, rate, training=workload.training),
        utilisation=utilisation(macs, rate, training=workload.training),
    )


def timed(contender: Contender, steps: int = 1) -> float:
    """Seconds of one of so many runs, all started before the last is waited for.

    One before them is not timed: the threads of the previous contender may still be busy-waiting.
    """
    contender.run()
    start = time.perf_counter()
    contender.run(steps)
    return (time.perf_counter() - start) / steps


def as_text(row: Row) -> str:
    """One line of the table."""
    low, median, high = row.ratio
    return (
        f"{row.network:14s} {row.mode:9s} batch {row.batch_size:<4d} {row.contender:13s} "
        f"{row.images_per_second:8.1f} images/s   ratio {median:.2f} ({low:.2f} to {high:.2f})   {row.teraflops:.3f} "
        f"TFLOP/s{'' if row.utilisation is None else f', {row.utilisation:.1%} of the peak'}"
    )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    top.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    top.add_argument("--batch-sizes", nargs="+", type=InRange(BATCH_SIZE), default=[8])
    top.add_argument("--modes", nargs="+", choices=["training", "inference"], default=["training", "inference"])
    top.add_argument("--contenders", nargs="+", choices=list(CONTENDERS), default=["zoo", "folded", "plain", "torch"])
    top.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the computation")
    top.add_argument("--rounds", type=InRange(POSITIVE_COUNT), default=10)
    top.add_argument("--steps", type=InRange(POSITIVE_COUNT), default=1, help="in flight per round (default: 1)")
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    restart_with_huge_pages()
    sys.exit(main())
