"""The training step, compiled for GPUs or TPUs that are not there, and what its text says.

    pip install --no-deps jax-cuda12-plugin==0.10.2 jax-cuda12-pjrt==0.10.2 libtpu==0.0.42.1     # for jax 0.10.2
    python benchmarks/ahead_of_time.py --networks resnet50 --devices h200:1x8 h200:2x8 v5e:2x4 v5e:2x4x2
    python benchmarks/ahead_of_time.py --networks resnet50 --devices h200:1x1 --per-device 256 --dump step.txt
    python benchmarks/ahead_of_time.py --networks resnet50 --devices v5e:2x4 --text-only     # in seconds; no memory

Devices are h200:HOSTSxGPUS, or a TPU's topology (v5e:2x4), with the number of slices after it where they are several
(v5e:2x4x2). Nothing runs, and no device is asked for. The compiler of GPUs does not tune: what it chooses by
measurement (algorithms of cuDNN and cuBLAS, tiles) is its default.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from program_text import Program, parse_program

# In the format of XLA's GpuTargetConfigProto: an H200 (compute capability 9.0), as XLA's own file h200.txtpb has it.
H200 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128
  shared_memory_per_block: 49152 shared_memory_per_core: 233472 shared_memory_per_block_optin: 232448
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: 4800000000000 l2_cache_size: 52428800 clock_rate_ghz: 1.98 device_memory_size: 151397597184
  cuda_compute_capability { major: 9 feature_extension: ACCELERATED_FEATURES }
  driver_version: "13.0.0" runtime_version: "12.8.0" compile_time_toolkit_version: "12.8.0" dnn_version: "9.10.0"
  device_interconnect_info { active_links: 18 }
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 }
device_description_str: "NVIDIA H200"
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A training step: of a network of 1,000 classes, with images of its own size where `image_size` is 0."""

    network: str
    per_device: int = 32
    image_size: int = 0
    dtype: str = "bfloat16"
    bn_group: int = 0
    fsdp: bool = False
    feed: str = "streamed"
    optimizer: str = "sgd"


@dataclass(frozen=True, kw_only=True)
class CompiledStep:
    """What the compiler made of a step: `memory` is that of a device, in bytes, with the `arguments` in it."""

    text: str
    program: Program
    memory: int
    arguments: int
    parameters: int
    seconds: float


def described_devices(name: str) -> Sequence[Any]:
    """The devices of a name such as h200:2x8 or v5e:2x4x2. A host with GPUs is a slice, as where there are some."""
    from jax.experimental import topologies

    kind, _, topology = name.partition(":")
    if kind == "h200":
        import jax_plugins.xla_cuda12  # noqa: F401  (registers the plugin)

        hosts, gpus = topology.split("x")
        return topologies.get_topology_desc(kind, "cuda", topology=f"{hosts}x1x{gpus}", target_config=H200).devices
    rows, columns, *slices = topology.split("x")
    # libtpu would ask for the machine that it is on.
    os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
    # Several programs may compile at a time: none has a TPU.
    os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
    # A host has two by two chips, or is a slice of one.
    host = [min(int(rows), 2), min(int(columns), 2), 1]
    return topologies.get_topology_desc(
        f"{kind}:{rows}x{columns}", "tpu", chips_per_host_bounds=host, num_slices=int(slices[0]) if slices else 1
    ).devices


def compile_step(step: Step, devices: Sequence[Any]) -> CompiledStep:
    """The step that a run on these devices compiles, from shapes alone."""
    import jax

    from zoo.count import parameters
    from zoo.data import Preprocessing
    from zoo.registry import model_info
    from zoo.runtime.mesh import data_mesh
    from zoo.training import Recipe, RunConfig
    from zoo.training.compiled_step import compile_from_shapes
    from zoo.training.initial_state import state_initializer
    from zoo.training.plan.step_memory import step_memory

    info = model_info(step.network)
    size = step.image_size or info.input_size
    batch_size = step.per_device * len(devices)
    config = RunConfig(
        model=step.network,
        dataset="imagenet2012",
        recipe=Recipe(
            batch_size=batch_size,
            feed=step.feed,
            dtype=step.dtype,
            bn_group=step.bn_group,
            optimizer=step.optimizer,
        ),
        preprocessing=Preprocessing(image_shape=(size, size, 3), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        class_names=tuple(map(str, range(1000))),
    )
    shapes = jax.eval_shape(state_initializer(config, 100), jax.random.key(0), {})
    mesh = data_mesh(batch_size, devices, fsdp=step.fsdp)
    start = time.perf_counter()
    compiled = compile_from_shapes(shapes, config, 100 * batch_size, mesh)
    text = compiled.as_text()
    memory = step_memory(compiled)
    return CompiledStep(
        text=text,
        program=parse_program(text),
        memory=memory.total if memory else 0,
        arguments=memory.arguments if memory else 0,
        parameters=parameters(shapes.params),
        seconds=time.perf_counter() - start,
    )


def main() -> None:
    """Print a line per network and devices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["resnet50"])
    parser.add_argument("--devices", nargs="+", default=["h200:1x1"], metavar="NAME:TOPOLOGY")
    parser.add_argument("--per-device", type=int, default=32, help="images per device")
    parser.add_argument("--image-size", type=int, default=0, help="0 is the network's own")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--bn-group", type=int, default=0)
    parser.add_argument("--feed", default="streamed", choices=["streamed", "resident"])
    parser.add_argument("--fsdp", action="store_true")
    parser.add_argument("--text-only", action="store_true", help="make no machine code, and so do not know the memory")
    parser.add_argument("--dump", type=Path, metavar="FILE", help="write the text of the last program")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures, by devices and network")
    args = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    os.environ["JAX_PLATFORMS"] = "cpu"
    for name in args.devices:
        for network in args.networks:
            step = Step(
                network=network,
                per_device=args.per_device,
                image_size=args.image_size,
                dtype=args.dtype,
                bn_group=args.bn_group,
                feed=args.feed,
                fsdp=args.fsdp,
            )
            text, known = compile_and_describe(step, name, text_only=args.text_only)
            program = parse_program(text)
            print(f"{network}, {name}: {describe(program)}{known}", flush=True)
            rows.setdefault(name, {})[network] = figures(program)
            if args.json:
                args.json.write_text(json.dumps(rows, indent=2) + "\n")
            if args.dump:
                args.dump.write_text(text)


def compile_and_describe(step: Step, devices: str, *, text_only: bool) -> tuple[str, str]:
    """The text of a step, and what only the whole program says."""
    if text_only:
        from optimised_text import optimised_text

        return optimised_text(step, devices), ""
    compiled = compile_step(step, described_devices(devices))
    return compiled.text, f", {compiled.memory / 2**30:.2f} GiB of memory, compiled in {compiled.seconds:.0f} s"


def figures(program: Program) -> dict[str, Any]:
    """What tests/ahead_of_time compares."""
    return {
        "kernels": len(program.kernels),
        "gigabytes": round(program.bytes / 1e9, 3),
        "collectives": program.collective_counts(),
    }


def describe(program: Program) -> str:
    """A line for a program."""
    collectives = (
        ", ".join(f"{number} {kind}" for kind, number in program.collective_counts().items()) or "no collectives"
    )
    return f"{len(program.kernels)} kernels, {program.bytes / 1e9:.2f} GB read and written, {collectives}"


if __name__ == "__main__":
    main()
