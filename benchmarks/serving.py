"""Compare how networks can be served: images per second and latency of our ONNX, of Flax under jit, and of torch.

PYTHONPATH=. python benchmarks/serving.py --networks googlenet_tv resnet50 --batch-sizes 1 32 --json serving.json

The contenders take turns in one process. They have the same weights, and their logits are compared before the
measurement. A ratio is computed in each round, the speed of a contender over that of torch's own ONNX export in ONNX
Runtime (torch-onnx): above 1 the contender is faster. The table has medians over the rounds, and the ratio's quartiles.
Contenders whose library is not installed are left out. For all: pip install torch torchvision onnx onnxruntime openvino
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from servers import REFERENCE, SERVERS, made
from workload import NETWORKS, Contender, check_same, make_workload

from zoo.commands.arguments.types import InRange
from zoo.runtime.huge_pages import restart_with_huge_pages
from zoo.runtime.limits import BATCH_SIZE, POSITIVE_COUNT, SECONDS
from zoo.runtime.text_tables import aligned_table

PACKAGES = ("jax", "onnx", "onnxruntime", "openvino", "torch")
TITLES = ("network", "batch", "contender", "images/s", "ms", "ms, 95th percentile", "ratio", "quartiles")
LEFT = (True, False, True, False, False, False, False, True)


@dataclass(frozen=True)
class Row:
    """One contender's figures for one network and batch size.

    `milliseconds` are the median and the 95th percentile of a batch's latency. `ratio` has the lower quartile, the
    median and the upper quartile of the speed over that of `REFERENCE`, None where that is left out.
    """

    network: str
    batch_size: int
    contender: str
    images_per_second: float
    milliseconds: tuple[float, float]
    ratio: tuple[float, float, float] | None


def main() -> int:
    """Measure, print the table, write the JSON."""
    args = parser().parse_args()
    versions = [f"{name} {version}" for name in PACKAGES if (version := installed(name))]
    print(f"{platform.machine()}, {os.cpu_count()} processors, {', '.join(versions)}")
    rows: list[Row] = []
    for network in args.networks:
        for batch_size in args.batch_sizes:
            rows += compare(network, batch_size, args.contenders, args.rounds, args.seconds)
    print(*aligned_table(TITLES, list(map(as_cells, rows)), LEFT), sep="\n")
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


def compare(network: str, batch_size: int, names: Sequence[str], rounds: int, seconds: float) -> list[Row]:
    """One row per contender that can run here. Raises RuntimeError if they do not compute the same function."""
    workload = make_workload(network, batch_size, training=False)
    with tempfile.TemporaryDirectory() as folder:
        contenders = []
        for name in names:
            contender = made(name, workload, Path(folder))
            if isinstance(contender, str):
                print(f"{network}, batch {batch_size}: {name} is left out: {contender}", file=sys.stderr)
            else:
                contenders.append(contender)
        if not contenders:
            return []
        check_same(contenders, 1e-3)
        measured = [[served(contender, seconds) for contender in contenders] for _ in range(rounds)]
    columns = {
        contender.name: column for contender, column in zip(contenders, zip(*measured, strict=True), strict=True)
    }
    return [as_row(network, batch_size, name, column, columns.get(REFERENCE)) for name, column in columns.items()]


def served(contender: Contender, seconds: float) -> np.ndarray:
    """The seconds of each of the runs in this time, at least one, after an untimed one: the threads of the previous
    contender may still be busy-waiting.
    """
    contender.run()
    latencies: list[float] = []
    while sum(latencies) < seconds:
        start = time.perf_counter()
        contender.run()
        latencies.append(time.perf_counter() - start)
    return np.array(latencies)


def as_row(
    network: str,
    batch_size: int,
    contender: str,
    rounds: Sequence[np.ndarray],
    reference: Sequence[np.ndarray] | None,
) -> Row:
    """The figures over all rounds; each has the latencies of its runs."""
    medians = np.array([np.median(latencies) for latencies in rounds])
    ratios = None if reference is None else [np.median(latencies) for latencies in reference] / medians
    latency, late = np.quantile(np.concatenate(rounds), (0.5, 0.95)).tolist()
    return Row(
        network=network,
        batch_size=batch_size,
        contender=contender,
        images_per_second=float(batch_size / np.median(medians)),
        milliseconds=(1000 * latency, 1000 * late),
        ratio=None if ratios is None else tuple(np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()),
    )


def as_cells(row: Row) -> list[str]:
    """One line of the table."""
    latency, late = row.milliseconds
    low, median, high = (f"{ratio:.2f}" for ratio in row.ratio) if row.ratio else ("", "", "")
    return [
        row.network,
        str(row.batch_size),
        row.contender,
        f"{row.images_per_second:.1f}",
        f"{latency:.1f}",
        f"{late:.1f}",
        median,
        f"{low} to {high}" if row.ratio else "",
    ]


def installed(package: str) -> str:
    """The version of a package, "" if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    default = ["googlenet_tv", "resnet50", "mobilenet_v2", "convnext_tiny"]
    top = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    top.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=default)
    top.add_argument("--batch-sizes", nargs="+", type=InRange(BATCH_SIZE), default=[1, 32])
    top.add_argument("--contenders", nargs="+", choices=list(SERVERS), default=list(SERVERS))
    top.add_argument("--rounds", type=InRange(POSITIVE_COUNT), default=10)
    top.add_argument("--seconds", type=InRange(SECONDS), default=1.0, help="of a contender in a round")
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    restart_with_huge_pages()
    sys.exit(main())
