"""The type in which a run computes: what `--dtype auto` is on a platform, and what the first lines of a run say."""

from dataclasses import dataclass
from typing import Literal

import jax

from zoo.training.logging.device_peaks import device_peak

ComputingType = Literal["float32", "bfloat16"]

# NVIDIA's Ampere: the first whose matrix units know bfloat16, and TensorFloat-32.
AMPERE = 8.0

FLOAT32_STAYS = "parameters, batch statistics, loss, logits and the optimizer are float32"


@dataclass(frozen=True)
class Platform:
    """What decides: JAX's name of the platform, the compute capability of an NVIDIA GPU, and a known peak in bfloat16.

    `precision` is JAX's setting for products of float32, None for its default.
    """

    name: str
    capability: float | None = None
    has_peak: bool = False
    precision: str | None = None

    @property
    def has_bfloat16(self) -> bool:
        """Whether its matrix units compute in bfloat16; products there are added up in float32."""
        if self.name == "gpu" and self.capability is not None:
            return self.capability >= AMPERE
        return self.name == "tpu" or (self.name == "gpu" and self.has_peak)

    @property
    def float32_products(self) -> str:
        """In what JAX multiplies float32 here, in matrix products and convolutions."""
        if self.precision:
            return self.precision
        if self.name == "tpu":
            return "bfloat16"
        return "TensorFloat-32" if (self.capability or 0) >= AMPERE else "float32"


def this_platform() -> Platform:
    """That of the first device, as those of a run are alike."""
    device = jax.devices()[0]
    return Platform(
        device.platform,
        _capability(getattr(device, "compute_capability", "")),
        device_peak(device) is not None,
        jax.config.jax_default_matmul_precision,  # type: ignore[attr-defined]
    )


def _capability(text: str) -> float | None:
    """9.0 of "9.0"; GPUs of AMD have names there."""
    try:
        return float(text)
    except ValueError:
        return None


def auto_type(platform: Platform, *, own_network: bool) -> ComputingType:
    """bfloat16 where the devices have it, for zoo's own networks, whose steps in bfloat16 are tested; else float32."""
    return "bfloat16" if own_network and platform.has_bfloat16 else "float32"


def resolve_type(dtype: Literal["auto", "float32", "bfloat16"], *, own_network: bool) -> ComputingType:
    """The type itself, and for "auto" that of this platform."""
    return auto_type(this_platform(), own_network=own_network) if dtype == "auto" else dtype


def describe_type(dtype: str, platform: Platform, *, resumed: bool, auto: bool, own_network: bool) -> list[str]:
    """A line about the type of a run; none for float32 on a CPU.

    `auto` says that it was not asked for: a new run chose it, and a resumed run has that of its start.
    """
    if dtype == "float32" and not platform.has_bfloat16:
        return []
    whose = ", the type of this run" if resumed and auto else ""
    if dtype == "bfloat16":
        return [f"computation in bfloat16{whose}, also in evaluation: {FLOAT32_STAYS} (--dtype float32: all of it)"]
    products = platform.float32_products
    exact = "" if products in ("float32", "highest") else "; JAX_DEFAULT_MATMUL_PRECISION=float32 multiplies in float32"
    faster = "--dtype bfloat16 is faster"
    if auto and not resumed and not own_network:
        faster = "auto is bfloat16 for zoo's own networks only; for yours give --dtype bfloat16"
    return [f"computation in float32{whose}, with products in {products}{exact} ({faster})"]
