"""Model FLOP utilisation, on devices that are not there."""

from types import SimpleNamespace

import jax
import pytest

import zoo
from zoo.training.logging.flop_utilization import peak_teraflops, teraflops, utilisation


def test_resnet50_at_a_thousand_images_a_second():
    macs = zoo.model_info("resnet50").macs
    assert teraflops(macs, 1000, training=False) == pytest.approx(8.18, abs=0.01)
    assert teraflops(macs, 1000, training=True) == pytest.approx(24.5, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "peak"), [("NVIDIA H200", 989), ("NVIDIA A100-SXM4-80GB", 312), ("TPU v5 lite", 197), ("TPU v5p", 459)]
)
def test_peaks_are_found_by_the_devices_name(monkeypatch, kind, peak):
    devices = [SimpleNamespace(device_kind=kind)] * 2
    monkeypatch.setattr(jax, "devices", lambda: devices)
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    assert peak_teraflops() == 2 * peak
    assert utilisation(10**9, 1000, training=True) == pytest.approx(6 / (2 * peak))


def test_a_cpu_has_no_known_peak():
    assert peak_teraflops(jax.devices("cpu")[0]) is None and utilisation(1, 1, training=True) is None
