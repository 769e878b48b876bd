"""The share of a device's peak that a network uses: model FLOP utilisation (Chowdhery et al. 2022, appendix B)."""

import jax
from flax import linen as nn

from zoo import count

# Dense bfloat16 TFLOP/s from the data sheets, by a part of JAX's `device_kind`; the first match is used.
PEAK_TERAFLOPS: tuple[tuple[str, float], ...] = (
    ("H200", 989),
    ("H100 PCIe", 756),
    ("H100", 989),
    ("A100", 312),
    ("L40S", 362),
    ("L4", 121),
    ("V100", 125),
    ("T4", 65),
    ("TPU v6", 918),
    ("TPU v5p", 459),
    ("TPU v5 lite", 197),
    ("TPU v5", 459),
    ("TPU v4", 275),
    ("TPU v3", 123),
)


def teraflops(macs: int, images_per_second: float, *, training: bool) -> float:
    """TFLOP/s of a network with `macs` multiply-adds per image; a training step counts as three forward passes."""
    return 2 * macs * (3 if training else 1) * images_per_second / 1e12


def peak_teraflops(device: jax.Device | None = None) -> float | None:
    """The peak of all devices together, by default of the first one's kind; None if it is unknown, as for CPUs."""
    kind = (device or jax.devices()[0]).device_kind
    peak = next((peak for name, peak in PEAK_TERAFLOPS if name in kind), None)
    return peak and peak * jax.device_count()


def count_macs(network: nn.Module, image_shape: tuple[int, int, int]) -> int | None:
    """Multiply-adds per image; None if the devices' peak is unknown, as counting takes seconds and would be unused."""
    return count.summarize(network, (1, *image_shape)).macs if peak_teraflops() else None


def utilisation(macs: int, images_per_second: float, *, training: bool) -> float | None:
    """The share of the devices' peak, 0 to 1; None if that is unknown."""
    peak = peak_teraflops()
    return teraflops(macs, images_per_second, training=training) / peak if peak else None
