"""Time and memory of `zoo.count.summarize`, compared with Flax's `nn.tabulate` for some networks.

python benchmarks/counting.py --json counting.json

`nn.tabulate` with `compute_flops` compiles the network; without, it only counts parameters.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import jax
import numpy as np

import zoo

COMPARED_WITH_FLAX = ("alexnet", "googlenet", "resnet50")


def main() -> None:
    """Measure, print the table, write the JSON."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--networks", nargs="*", default=zoo.list_models())
    top.add_argument("--json", type=Path)
    args = top.parse_args()
    jax.devices()
    seconds = {name: summary_seconds(name) for name in args.networks}
    slowest = max(seconds, key=seconds.__getitem__)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(seconds)} networks in {sum(seconds.values()):.1f} s, median {np.median(list(seconds.values())):.2f} s, "
        f"slowest {slowest} {seconds[slowest]:.2f} s, peak {peak:.0f} MB"
    )
    flax = {name: tabulate_seconds(name) for name in COMPARED_WITH_FLAX if name in seconds}
    for name, theirs in flax.items():
        ours = summary_seconds(name)
        print(f"{name:12s} zoo.count {ours:.2f} s   nn.tabulate with FLOPs {theirs:.2f} s   ratio {theirs / ours:.1f}")
    if args.json:
        args.json.write_text(json.dumps({"seconds": seconds, "peak_megabytes": peak, "flax": flax}, indent=1) + "\n")


def summary_seconds(name: str) -> float:
    """Seconds for the summary of one network."""
    info = zoo.model_info(name)
    start = time.perf_counter()
    zoo.count.summarize(zoo.create_model(name), (1, info.input_size, info.input_size, info.channels))
    return time.perf_counter() - start


def tabulate_seconds(name: str) -> float:
    """Seconds for Flax's table of one network, with FLOPs."""
    import flax.linen as nn

    info = zoo.model_info(name)
    image = np.zeros((1, info.input_size, info.input_size, info.channels), np.float32)
    start = time.perf_counter()
    nn.tabulate(zoo.create_model(name), jax.random.key(0), compute_flops=True)(image)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
