"""Peak speeds of GPUs and TPUs in bfloat16, by the names that JAX has for them."""

import re

import jax

# Dense bfloat16 TFLOP/s (products of matrices, sums in float32, no sparsity) of one JAX device; the whole name must
# match. A name that is not here has no known peak: GPUs without bfloat16 (Pascal, Volta, Turing); slices (MIG, vGPU)
# and special builds, which have names of their own.
PEAK_TERAFLOPS: tuple[tuple[str, float], ...] = (
    # NVIDIA's data sheets, which state most figures with sparsity: twice these. The PCIe and NVL cards are slower.
    (r"GB[23]00", 2500),
    (r"B[23]00( SXM6 AC)?", 2250),
    (r"B100", 1750),
    (r"H200 NVL|H100 NVL", 835.5),
    (r"GH200( [0-9]+GB?( HBM3e?)?)?|H200|H100 80GB HBM3|H100 SXM5?( 80GB)?|H800", 989),
    (r"H100 PCIe|H800 PCIe", 756),
    (r"H20", 148),
    (r"A[18]00-(SXM4|PCIE)-[48]0GB|A100-SXM-80GB|A[18]00 80GB PCIe", 312),
    (r"A30", 165),
    (r"A40", 149.7),
    (r"A10", 125),
    (r"A10G", 70),
    (r"A2", 18),
    (r"L40S", 362),
    (r"L40", 181),
    (r"L20", 119.5),
    (r"L4", 121),
    (r"RTX 6000 Ada Generation", 364.2),
    (r"RTX A6000", 154.8),
    # NVIDIA's white papers on the GA102, Ada and RTX Blackwell architectures: bfloat16 with float32 sums.
    (r"GeForce RTX 5090", 209.5),
    (r"GeForce RTX 5080", 112.6),
    (r"GeForce RTX 4090", 165.2),
    (r"GeForce RTX 4080", 97.5),
    (r"GeForce RTX 3090 Ti", 80),
    (r"GeForce RTX 3090", 71),
    # AMD's data sheets. A device of JAX is one of the two dies of an MI250 or MI250X; "MI250X/MI250" names both.
    (r"Instinct MI355X", 2516.6),
    (r"Instinct MI350X", 2306.9),
    (r"Instinct MI3(00|25)X", 1307.4),
    (r"Instinct MI300A", 980.6),
    (r"Instinct MI250X", 383 / 2),
    (r"Instinct MI250", 362.1 / 2),
    (r"Instinct MI210", 181),
    (r"Instinct MI100", 92.3),
    # Google's documentation; v2 and v3: Jouppi et al. 2020, v4 lite: Jouppi et al. 2021. Of these, v2, v3 and 7x have
    # two devices per chip; v4 and v5 (v5p) have one.
    (r"TPU7x", 2307 / 2),
    (r"TPU v6 lite|TPU v6e", 918),
    (r"TPU v5|TPU v5p", 459),
    (r"TPU v5 lite|TPU v5e", 197),
    (r"TPU v4", 275),
    (r"TPU v4 lite", 138),
    (r"TPU v3", 123 / 2),
    (r"TPU v2", 46 / 2),
)

# Compute units of the AMD devices whose partitions have the name of the whole.
COMPUTE_UNITS = {"Instinct MI300X": 304, "Instinct MI325X": 304, "Instinct MI350X": 256, "Instinct MI355X": 256}


def device_peak(device: jax.Device) -> float | None:
    """The peak of one device in bfloat16, TFLOP/s; None if it is unknown."""
    name = re.sub(r"^(NVIDIA|AMD) ", "", device.device_kind)
    units = getattr(device, "core_count", None)
    if name in COMPUTE_UNITS and units not in (None, COMPUTE_UNITS[name]):
        return None
    return next((peak for pattern, peak in PEAK_TERAFLOPS if re.fullmatch(pattern, name)), None)


def peak_teraflops() -> float | None:
    """The peak of all devices together in bfloat16, TFLOP/s; None if that of any is unknown, as for CPUs."""
    peaks = [device_peak(device) for device in jax.devices()]
    known = [peak for peak in peaks if peak is not None]
    return sum(known) if len(known) == len(peaks) else None
