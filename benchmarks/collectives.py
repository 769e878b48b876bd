"""The collectives of a data-parallel step, counted in the compiled program.

    python benchmarks/collectives.py --networks resnet50 --devices 8 64
    python benchmarks/collectives.py --networks resnet50 --devices 8 --fsdp
    python benchmarks/collectives.py --networks resnet50 --devices 8 --bn-group 32
    python benchmarks/collectives.py --networks resnet50 --described v5e:2x4 h200:2x8     # see ahead_of_time.py

Nothing runs: the step is compiled for simulated devices (CPUs), or ahead of time for GPUs or TPUs. Bytes per device
are those that a ring would send, counted from the shapes of the collectives: 2 (n - 1) / n of an all-reduce, and
(n - 1) / n of an all-gather's result and of what a reduce-scatter takes. Images are small, unless --image-size says:
parameters decide the bytes, and the number of collectives does not depend on it.
"""

import argparse
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ahead_of_time import Step, compile_step, described_devices

# Below this a collective takes the time of its messages, whatever is in them.
SMALL = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Row:
    """The collectives of a step of a network on so many devices."""

    network: str
    devices: int
    fsdp: bool
    bn_group: int
    counts: dict[str, int]
    small: int
    sent: float
    parameters: int
    seconds: float
    memory: int | None


def measure(network: str, devices: Sequence[Any], args: argparse.Namespace) -> Row:
    """Compile the step of a network for these devices."""
    from zoo.registry import model_info

    step = Step(
        network=network,
        per_device=args.per_device,
        image_size=args.image_size or max(64, 32 * math.ceil(model_info(network).input_size / 128)),
        dtype=args.dtype,
        bn_group=args.bn_group,
        fsdp=args.fsdp,
    )
    compiled = compile_step(step, devices)
    found = compiled.program.collectives
    return Row(
        network=network,
        devices=len(devices),
        fsdp=args.fsdp,
        bn_group=args.bn_group,
        counts=compiled.program.collective_counts(),
        small=sum(one.result < SMALL for one in found),
        sent=sum(one.sent(len(devices)) for one in found),
        parameters=compiled.parameters,
        seconds=compiled.seconds,
        memory=compiled.memory,
    )


def device_lists(args: argparse.Namespace) -> Iterator[Sequence[Any]]:
    """The devices of each row."""
    if args.described:
        yield from map(described_devices, args.described)
        return
    import jax

    for count in args.devices:
        yield jax.devices()[:count]


def main() -> None:
    """Print a line per network and number of devices, and all of it as JSON where asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet50"])
    parser.add_argument("--devices", nargs="+", type=int, default=[8, 16, 32, 64])
    parser.add_argument(
        "--described", nargs="+", metavar="NAME:TOPOLOGY", help="in place of --devices, such as v5e:2x4"
    )
    parser.add_argument("--per-device", type=int, default=4, help="images per device")
    parser.add_argument("--image-size", type=int, default=0)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--fsdp", action="store_true")
    parser.add_argument("--bn-group", type=int, default=0)
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    # The collectives are decided before machine code is made of the program, which takes long.
    flags = ["--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true"]
    flags.append(f"--xla_force_host_platform_device_count={max(args.devices)}")
    os.environ["XLA_FLAGS"] = " ".join([*flags, os.environ.get("XLA_FLAGS", "")])
    os.environ["JAX_PLATFORMS"] = "cpu"
    rows = []
    for devices in device_lists(args):
        for network in args.networks:
            rows.append(row := measure(network, devices, args))
            print(describe(row, devices[0].device_kind), flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps([asdict(row) for row in rows], indent=2))


def describe(row: Row, kind: str) -> str:
    """A line for a row."""
    counts = ", ".join(f"{number} {name}" for name, number in row.counts.items())
    return (
        f"{row.network}, {row.devices} x {kind}, fsdp {row.fsdp}, bn_group {row.bn_group}: {counts}; {row.small} below "
        f"{SMALL // 1024} KiB; {row.sent / 2**20:.1f} MiB sent per device and step, parameters "
        f"{4 * row.parameters / 2**20:.1f} MiB; compiled in {row.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
