"""Training steps and inference of the zoo beside torch and plain Flax, in one run, in turn: ours, theirs, ours, theirs.

python benchmarks/speed.py --networks googlenet_tv resnet50 --batch-sizes 8 32 --json speed.json

All contenders have the same weights, and their logits are compared before a clock is started. A figure is the median
over the rounds; a ratio is taken round by round, first contender over the other, with its quartiles. Above 1 the first
is the faster. Needs torch and torchvision.
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
from contenders import CONTENDERS, NETWORKS, Contender, Setting, torch_model

import zoo
from zoo.runtime.huge_pages import restart_with_large_pages
from zoo.training.logging.flop_utilization import teraflops, utilisation


@dataclass(frozen=True)
class Row:
    """One contender's figures for one setting; `ratio` (lower quartile, median, upper) is ours over it.

    `utilisation` is the share of the device's peak, where that is known.
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
    rows: list[Row] = []
    for network in args.networks:
        for batch_size in args.batch_sizes:
            for mode in args.modes:
                setting = make_setting(network, batch_size, mode == "training", args.dtype)
                found = measure(setting, args.contenders, args.rounds)
                print(*map(as_text, found), sep="\n", flush=True)
                rows += found
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return 0


def measure(setting: Setting, names: list[str], rounds: int) -> list[Row]:
    """A row a contender. Raises RuntimeError where they do not compute the same function."""
    contenders = [made for name in names if (made := CONTENDERS[name](setting))]
    check_same(contenders, 1e-3 if setting.dtype == "float32" else 0.1)
    for contender in contenders:  # compilation, and what a library does the first times
        contender.run()
        contender.run()
    seconds = np.array([[timed(contender) for contender in contenders] for _ in range(rounds)])
    return [
        as_row(setting, contender, own, own / seconds[:, 0])
        for contender, own in zip(contenders, seconds.T, strict=True)
    ]


def as_row(setting: Setting, contender: Contender, seconds: np.ndarray, ratios: np.ndarray) -> Row:
    """The figures of one contender's rounds."""
    batch_size, macs = len(setting.labels), zoo.model_info(setting.network).macs
    rate = float(batch_size / np.median(seconds))
    return Row(
        network=setting.network,
        mode="training" if setting.training else "inference",
        batch_size=batch_size,
        contender=contender.name,
        images_per_second=rate,
        ratio=tuple(np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()),
        teraflops=teraflops(macs, rate, training=setting.training),
        utilisation=utilisation(macs, rate, training=setting.training),
    )


def make_setting(network: str, batch_size: int, training: bool, dtype: str = "float32") -> Setting:
    """Random weights of torchvision's, and random images and labels."""
    import torch

    torch.manual_seed(0)
    state = {key: value.clone() for key, value in torch_model(network).state_dict().items()}
    size, rng = zoo.model_info(network).input_size, np.random.default_rng(0)
    images = rng.normal(size=(batch_size, size, size, 3)).astype(np.float32)
    return Setting(network, state, images, rng.integers(0, 1000, batch_size), training, dtype)


def check_same(contenders: list[Contender], tolerance: float) -> None:
    """Raises RuntimeError where logits differ by more than that share of the largest."""
    first, expected = contenders[0], contenders[0].logits()
    for other in contenders[1:]:
        difference = np.abs(expected - other.logits()).max() / np.abs(expected).max()
        if not difference < tolerance:
            raise RuntimeError(
                f"{other.name} does not compute what {first.name} does: logits differ by {difference:.1e}"
            )


def timed(contender: Contender) -> float:
    """Seconds of one run, after one that is not timed: the threads of the contender before may still wait actively."""
    contender.run()
    begun = time.perf_counter()
    contender.run()
    return time.perf_counter() - begun


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
    top.add_argument("--batch-sizes", nargs="+", type=int, default=[8])
    top.add_argument("--modes", nargs="+", choices=["training", "inference"], default=["training", "inference"])
    top.add_argument("--contenders", nargs="+", choices=list(CONTENDERS), default=["zoo", "folded", "plain", "torch"])
    top.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the computation")
    top.add_argument("--rounds", type=int, default=10)
    top.add_argument("--json", type=Path)
    return top


if __name__ == "__main__":
    restart_with_large_pages()
    sys.exit(main())
