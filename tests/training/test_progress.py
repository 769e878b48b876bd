"""What a run shows of the devices' use."""

import io
import re
import sys
import time
from types import SimpleNamespace

import jax.numpy as jnp
import pytest
from rich.console import Console

import zoo
from zoo.training.logging import flop_utilization as utilisation
from zoo.training.logging.progress import TrainingProgress

STEPS = {"step": 0, "steps": 8, "steps_per_epoch": 4, "batch_size": 16}
MEASURED = {"loss": 1.0, "accuracy": 0.5, "test_loss": 1.0, "test_accuracy": 0.5}


@pytest.fixture
def fake_peak(monkeypatch):
    monkeypatch.setattr(utilisation, "peak_teraflops", lambda: 1e-3)


def shown(macs):
    """The progress after three steps of 16 images, and the line that it printed."""
    console = Console(file=io.StringIO())
    with TrainingProgress(console, **STEPS, macs=macs) as progress:
        for step in range(3):
            progress.advance({"loss": jnp.ones(()), "accuracy": jnp.ones(())})
            if step == 0:
                progress.compiled()
        progress.print_evaluation(MEASURED)
    return progress, console.file.getvalue().splitlines()[-1]


def test_utilisation_where_the_peak_is_known(fake_peak, monkeypatch):
    progress, line = shown(macs=1000)
    now = time.perf_counter() + 1
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert progress.utilisation == pytest.approx(6 * 1000 * progress.images_per_second / 1e9)
    assert re.search(r"images/s  \d+\.\d% of peak  0:00 left", line)


def test_a_line_without_a_pace_ends_with_its_last_number():
    console = Console(file=io.StringIO())
    with TrainingProgress(console, **STEPS) as progress:
        progress.print_evaluation(MEASURED)
    assert console.file.getvalue().splitlines()[-1].endswith("test_accuracy 0.5000")


def test_none_where_nothing_was_counted():
    progress, line = shown(macs=None)
    assert progress.utilisation is None and "peak" not in line


def test_an_image_is_counted_only_where_the_peak_is_known(monkeypatch, fake_peak):
    network = zoo.create_model("lenet5")
    assert utilisation.count_macs(network, (32, 32, 1)) == zoo.model_info("lenet5").macs
    monkeypatch.setattr(utilisation, "peak_teraflops", lambda: None)
    monkeypatch.setattr(zoo.count, "summarize", lambda *_: pytest.fail("counted"))
    assert utilisation.count_macs(network, (32, 32, 1)) is None


@pytest.mark.parametrize("idle", [True, False])
def test_waiting_for_data_counts_only_while_the_devices_have_nothing_to_do(idle):
    with TrainingProgress(Console(file=io.StringIO()), **STEPS) as progress:
        progress.compiled()
        progress.advance(None)
        with progress.waiting(lambda: idle):
            time.sleep(0.05)
        progress.advance(None)
        assert (progress.waiting_share > 0.3) if idle else (progress.waiting_share == 0)


class Display:
    """In place of IPython's: the texts of one output."""

    def __init__(self, monkeypatch):
        self.texts = []
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None)))
        monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=self))

    def __call__(self, data, *, raw, display_id):
        self.update(data, raw=raw)
        return self

    def update(self, data, *, raw):
        self.texts.append(data["text/plain"])


def test_a_notebook_has_one_line_that_is_replaced_and_at_most_fifty_rows(monkeypatch):
    display, file = Display(monkeypatch), io.StringIO()
    steps = {"step": 0, "steps": 1000, "steps_per_epoch": 2, "batch_size": 16}
    with TrainingProgress(Console(file=file), **steps) as progress:
        for step in range(1000):
            progress.advance({"loss": jnp.ones(()), "accuracy": jnp.ones(())})
            if step == 0:
                progress.compiled()
            if step % 2:
                progress.print_evaluation(MEASURED)
    lines = file.getvalue().splitlines()
    assert 50 <= len(lines) <= 52 and "epoch 500/500" in lines[-1] and "\x1b" not in file.getvalue()
    assert "compiling" in display.texts[0] and "1000/1000 steps" in display.texts[-1]
    # A second passes between two texts, but for the last.
    assert len(display.texts) < 20


def test_twenty_epochs_are_twenty_rows_in_a_notebook(monkeypatch):
    Display(monkeypatch)
    file = io.StringIO()
    with TrainingProgress(Console(file=file), step=0, steps=80, steps_per_epoch=4, batch_size=16) as progress:
        for step in range(80):
            progress.advance(None)
            if step % 4 == 3:
                progress.print_evaluation(MEASURED)
    assert file.getvalue().count("test_accuracy") == 20
