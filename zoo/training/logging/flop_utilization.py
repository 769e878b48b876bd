"""The share of a device's peak that a network uses: model FLOP utilisation (Chowdhery et al. 2022, appendix B)."""

from flax import linen as nn

from zoo import count
from zoo.training.logging.device_peaks import peak_teraflops


def teraflops(macs: int, images_per_second: float, *, training: bool) -> float:
    """TFLOP/s of a network with `macs` multiply-adds per image; a training step counts as three forward passes."""
    return 2 * macs * (3 if training else 1) * images_per_second / 1e12


def count_macs(network: nn.Module, image_shape: tuple[int, int, int]) -> int | None:
    """Multiply-adds per image; None if the devices' peak is unknown, as counting takes seconds and would be unused."""
    return count.summarize(network, (1, *image_shape)).macs if peak_teraflops() else None


def utilisation(macs: int, images_per_second: float, *, training: bool) -> float | None:
    """The share of the devices' peak in bfloat16, 0 to 1, also of a network in float32; None if it is unknown."""
    peak = peak_teraflops()
    return teraflops(macs, images_per_second, training=training) / peak if peak else None
