"""The expected efficiency of data-parallel ResNet-50, from published bandwidths: the table of docs/scaling.md.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --per-device 32 --share 0.3 --latency 10

Nothing is measured. A step is its arithmetic at a share of the device's peak, then the gradient's all-reduce at the
network's bandwidth, then a latency for each small collective; nothing overlaps, so that a real run is somewhat faster.
"""

import argparse
from dataclasses import dataclass
from types import MappingProxyType

PARAMETER_BYTES = 4 * 25_557_032
# A multiply-add is two operations, and training three times the forward pass.
FLOPS_PER_IMAGE = 2 * 3 * 4_089_184_256
# All-reduces of the compiled step, over the whole batch and in groups: benchmarks/collectives.py.
SYNCHRONISED, IN_GROUPS = 104, 2


@dataclass(frozen=True)
class Network:
    """Devices and what connects them: TFLOP/s in bfloat16, bytes/s that a device sends within a host or slice, bytes/s
    that a host of `per_host` sends to others (0: the slice is all), and the latency of a small all-reduce by devices.
    """

    peak: float
    inside: float
    outside: float
    per_host: int
    latency: MappingProxyType[int, float]


GPU_LATENCY = MappingProxyType({8: 20e-6, 64: 40e-6, 256: 50e-6, 1024: 60e-6})
TPU_LATENCY = MappingProxyType({8: 10e-6, 64: 20e-6, 256: 40e-6})
NETWORKS = MappingProxyType(
    {
        # 376 of 450 GB/s measured (github.com/NVIDIA/nccl/issues/1264); eight ports of 400 Gb/s per host.
        "H200, NVLink and InfiniBand": Network(989, 376e9, 8 * 50e9, 8, GPU_LATENCY),
        # Half of the bidirectional bandwidth of ICI: as 51.2 TB/s of all-reduce over 256 chips of v5e.
        "TPU v5e, ICI": Network(197, 200e9, 0, 8, TPU_LATENCY),
        "TPU v6e, ICI": Network(918, 400e9, 0, 8, TPU_LATENCY),
        "TPU v5p, ICI": Network(459, 600e9, 0, 4, MappingProxyType({**TPU_LATENCY, 1024: 50e-6})),
    }
)


def gradient_seconds(network: Network, devices: int) -> float:
    """The time of the gradient's all-reduce: within the hosts, then between them by all ports of each."""
    inside = min(devices, network.per_host) if network.outside else devices
    hosts = devices // inside
    seconds = 2 * (inside - 1) / inside * PARAMETER_BYTES / network.inside
    return seconds + (2 * (hosts - 1) / hosts * PARAMETER_BYTES / network.outside if hosts > 1 else 0)


def efficiency(compute: float, gradient: float, collectives: int, latency: float) -> float:
    """The share of a step that is arithmetic."""
    return compute / (compute + gradient + collectives * latency)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-device", type=int, nargs="+", default=[128, 32], help="images")
    parser.add_argument("--share", type=float, default=0.2, help="of the peak, which the arithmetic alone reaches")
    parser.add_argument(
        "--latency", type=float, help="of a small all-reduce, in microseconds, for all numbers of devices"
    )
    args = parser.parse_args()
    print("| devices | images per device | arithmetic | gradient | whole batch | `--bn-group` | images/s |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, network in NETWORKS.items():
        for images in args.per_device:
            compute = FLOPS_PER_IMAGE * images / (args.share * network.peak * 1e12)
            for devices, latency in network.latency.items():
                latency = latency if args.latency is None else args.latency / 1e6
                gradient = gradient_seconds(network, devices)
                whole, groups = (efficiency(compute, gradient, count, latency) for count in (SYNCHRONISED, IN_GROUPS))
                print(
                    f"| {devices} {name} | {images} | {compute * 1e3:.1f} ms | {gradient * 1e3:.1f} ms | {whole:.0%} | "
                    f"{groups:.0%} | {devices * images / compute * groups:,.0f} |"
                )


if __name__ == "__main__":
    main()
