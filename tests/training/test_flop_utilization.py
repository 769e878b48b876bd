"""Model FLOP utilisation, on devices that are not there."""

from types import SimpleNamespace

import jax
import pytest

import zoo
from zoo.training.logging.device_peaks import device_peak, peak_teraflops
from zoo.training.logging.flop_utilization import teraflops, utilisation

# Names as the drivers and JAX print them.
PEAKS = {
    "NVIDIA GB200": 2500,
    "NVIDIA GB300": 2500,
    "NVIDIA B200": 2250,
    "NVIDIA B300 SXM6 AC": 2250,
    "NVIDIA GH200 480GB": 989,
    "NVIDIA GH200 144G HBM3e": 989,
    "NVIDIA H200": 989,
    "NVIDIA H200 NVL": 835.5,
    "NVIDIA H100 80GB HBM3": 989,
    "NVIDIA H100 PCIe": 756,
    "NVIDIA H100 NVL": 835.5,
    "NVIDIA A100-SXM4-40GB": 312,
    "NVIDIA A100-SXM4-80GB": 312,
    "A100-SXM4-40GB": 312,
    "NVIDIA A100-PCIE-40GB": 312,
    "NVIDIA A100 80GB PCIe": 312,
    "NVIDIA A800-SXM4-80GB": 312,
    "NVIDIA A40": 149.7,
    "NVIDIA A30": 165,
    "NVIDIA A10": 125,
    "NVIDIA A10G": 70,
    "NVIDIA L4": 121,
    "NVIDIA L40": 181,
    "NVIDIA L40S": 362,
    "NVIDIA RTX A6000": 154.8,
    "NVIDIA RTX 6000 Ada Generation": 364.2,
    "NVIDIA GeForce RTX 4090": 165.2,
    "NVIDIA GeForce RTX 3090": 71,
    "NVIDIA GeForce RTX 3090 Ti": 80,
    "AMD Instinct MI100": 92.3,
    "AMD Instinct MI210": 181,
    "AMD Instinct MI250X": 191.5,
    "AMD Instinct MI300X": 1307.4,
    "AMD Instinct MI300A": 980.6,
    "AMD Instinct MI325X": 1307.4,
    "AMD Instinct MI355X": 2516.6,
    "TPU v2": 23,
    "TPU v3": 61.5,
    "TPU v4": 275,
    "TPU v4 lite": 138,
    "TPU v5": 459,
    "TPU v5p": 459,
    "TPU v5 lite": 197,
    "TPU v5e": 197,
    "TPU v6 lite": 918,
    "TPU v6e": 918,
    "TPU7x": 1153.5,
}
UNKNOWN = [
    # Without bfloat16.
    "Tesla P100-PCIE-16GB",
    "NVIDIA GeForce GTX 1080 Ti",
    "Tesla V100-SXM2-32GB",
    "NVIDIA TITAN V",
    "Tesla T4",
    "NVIDIA T4G",
    "NVIDIA GeForce RTX 2080 Ti",
    "NVIDIA TITAN RTX",
    "Quadro RTX 8000",
    "AMD Instinct MI50",
    # Slices of a GPU.
    "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    "NVIDIA H100 80GB HBM3 MIG 3g.40gb",
    "NVIDIA H200 MIG 1g.18gb",
    "NVIDIA GH200 480GB MIG 1g.12gb",
    "NVIDIA L4-24Q",
    "NVIDIA A40-48Q",
    # With more, fewer or slower cores than the one whose name is in the table.
    "NVIDIA A100-SXM-64GB",
    "NVIDIA H100 64GB HBM2",
    "NVIDIA GeForce RTX 4090 D",
    "NVIDIA GeForce RTX 4090 Laptop GPU",
    "NVIDIA RTX A6000 Laptop GPU",
    "NVIDIA L400",
    "AMD Instinct MI250X/MI250",
    "TPU v9",
    "TPU v5 something",
    "cpu",
    "",
]


def test_resnet50_at_a_thousand_images_a_second():
    macs = zoo.model_info("resnet50").macs
    assert teraflops(macs, 1000, training=False) == pytest.approx(8.18, abs=0.01)
    assert teraflops(macs, 1000, training=True) == pytest.approx(24.5, abs=0.1)


@pytest.mark.parametrize("kind", [*PEAKS, *UNKNOWN])
def test_peaks_are_found_by_the_whole_name(kind):
    found = device_peak(SimpleNamespace(device_kind=kind))
    assert found is None if kind in UNKNOWN else found == pytest.approx(PEAKS[kind])


@pytest.mark.parametrize(("units", "peak"), [(304, 1307.4), (38, None)])
def test_a_partition_with_the_name_of_the_whole_has_no_known_peak(units, peak):
    assert device_peak(SimpleNamespace(device_kind="AMD Instinct MI300X", core_count=units)) == peak


@pytest.mark.parametrize(
    ("kinds", "peak"),
    [
        (["NVIDIA H200"] * 2, 2 * 989),
        (["NVIDIA A100-SXM4-40GB", "NVIDIA L4"], 312 + 121),
        (["NVIDIA H200", "NVIDIA T1000"], None),
    ],
)
def test_the_peak_is_that_of_all_devices(monkeypatch, kinds, peak):
    monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(device_kind=kind) for kind in kinds])
    assert peak_teraflops() == peak
    assert utilisation(10**9, 1000, training=True) == (peak and pytest.approx(6 / peak))


def test_a_cpu_has_no_known_peak():
    assert peak_teraflops() is None and utilisation(1, 1, training=True) is None
