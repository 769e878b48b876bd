"""The collectives of a data-parallel step, counted in the compiled program.

    python benchmarks/collectives.py --networks resnet50 --devices 8 64
    python benchmarks/collectives.py --networks resnet50 --devices 8 --fsdp
    python benchmarks/collectives.py --networks resnet50 --devices 8 --bn-group 32
    python benchmarks/collectives.py --networks resnet50 --tpu v5e:2x4      # for a TPU that is not there (needs libtpu)

Nothing runs: the step is compiled for simulated devices (CPUs), or ahead of time for a slice of TPUs. Bytes per device
are those that a ring would send, counted from the shapes of the collectives: 2 (n - 1) / n of an all-reduce, and
(n - 1) / n of an all-gather's result and of what a reduce-scatter takes. Images are small, unless --image-size says:
parameters decide the bytes, and the number of collectives does not depend on it.
"""

import argparse
import json
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
ITEM_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "f32": 4, "s32": 4, "u32": 4, "f64": 8, "s64": 8}
# Below this a collective takes the time of its messages, whatever is in them.
SMALL = 64 * 1024
OPERATION = re.compile(rf"= (?P<shape>\(.*?\)|\S+) (?P<kind>{'|'.join(KINDS)})(?P<start>-start)?\((?P<rest>.*)")
ARRAY = re.compile(r"\b([a-z]+[0-9]*)\[([0-9,]*)\]")


@dataclass(frozen=True)
class Collective:
    """One collective of a program: its kind, and the bytes of its result on a device."""

    kind: str
    result: int

    def sent(self, devices: int) -> float:
        """The bytes that a device sends in a ring of so many."""
        others = (devices - 1) / devices
        return {"all-reduce": 2 * others, "reduce-scatter": devices - 1}.get(self.kind, others) * self.result


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


def collectives(program: str) -> Iterator[Collective]:
    """Those of the text of a compiled program, each once also where it is started and awaited."""
    for line in program.splitlines():
        if found := OPERATION.search(line):
            sizes = [_bytes(*array) for array in ARRAY.findall(found["shape"])]
            # What an asynchronous gather starts has its operands before its results.
            if found["start"] and found["kind"] != "all-reduce":
                sizes = sizes[len(sizes) // 2 :]
            yield Collective(found["kind"], sum(sizes))


def _bytes(kind: str, shape: str) -> int:
    return ITEM_BYTES.get(kind, 0) * math.prod(int(size) for size in shape.split(",") if size)


def measure(network: str, devices: Sequence[Any], args: argparse.Namespace) -> Row:
    """Compile the step of a network for these devices."""

    import jax
    import numpy as np
    from jax.sharding import AxisType, Mesh

    from zoo.count import parameters
    from zoo.registry import model_info
    from zoo.runtime.mesh import DATA_AXIS
    from zoo.training import Recipe, RunConfig
    from zoo.training.compiled_step import compile_from_shapes
    from zoo.training.initial_state import state_initializer
    from zoo.training.plan.step_memory import step_memory

    size = args.image_size or max(64, 32 * math.ceil(model_info(network).input_size / 128))
    recipe = Recipe(
        batch_size=args.per_device * len(devices),
        feed="streamed",
        dtype=args.dtype,
        bn_group=args.bn_group,
        optimizer="sgd",
    )
    config = RunConfig(
        model=network,
        dataset="imagenet2012",
        recipe=recipe,
        preprocessing=_preprocessing(size),
        class_names=tuple(map(str, range(1000))),
    )
    shapes = jax.eval_shape(state_initializer(config, 100), jax.random.key(0), {})
    mesh = Mesh(np.array(devices), (DATA_AXIS,), axis_types=(AxisType.Auto,))
    start = time.perf_counter()
    program = compile_from_shapes(shapes, config, 100 * recipe.batch_size, mesh, fsdp=args.fsdp)
    found = list(collectives(program.as_text()))
    memory = step_memory(program)
    return Row(
        network=network,
        devices=len(devices),
        fsdp=args.fsdp,
        bn_group=args.bn_group,
        counts={kind: number for kind in KINDS if (number := sum(one.kind == kind for one in found))},
        small=sum(one.result < SMALL for one in found),
        sent=sum(one.sent(len(devices)) for one in found),
        parameters=parameters(shapes.params),
        seconds=time.perf_counter() - start,
        memory=memory.total if memory else None,
    )


def _preprocessing(size: int) -> Any:
    from zoo.data import Preprocessing

    return Preprocessing(image_shape=(size, size, 3), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def device_lists(args: argparse.Namespace) -> Iterator[Sequence[Any]]:
    """The devices of each row."""
    if args.tpu:
        from jax.experimental import topologies

        for name in args.tpu:
            yield topologies.get_topology_desc(name, "tpu").devices
        return
    import jax

    for count in args.devices:
        yield jax.devices()[:count]


def main() -> None:
    """Print a line per network and number of devices, and all of it as JSON where asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet50"])
    parser.add_argument("--devices", nargs="+", type=int, default=[8, 16, 32, 64])
    parser.add_argument("--tpu", nargs="+", metavar="TOPOLOGY", help="in place of --devices, such as v5e:2x4")
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
