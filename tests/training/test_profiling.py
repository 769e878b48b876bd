"""Traces of a few steps, read back from what the profiler wrote."""

import gzip
import io
import json

import jax
import jax.numpy as jnp
import pytest
from rich.console import Console

from zoo.training.logging.profiler import Profiler

step_on_device = jax.jit(lambda x: x @ x)


def run(profiler, steps):
    x = jnp.eye(8)
    for step in range(1, steps + 1):
        profiler.before(step)
        x = step_on_device(x)
        x.block_until_ready()


def traced_steps(folder):
    """The steps' numbers in the trace."""
    (file,) = folder.rglob("*.trace.json.gz")
    events = json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]
    return sorted(int(event["args"]["step_num"]) for event in events if "step_num" in event.get("args", {}))


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=40)


def test_the_requested_steps_are_traced_and_the_folder_is_printed(tmp_path, console):
    with Profiler(tmp_path / "profile", first=3, steps=4, console=console) as profiler:
        run(profiler, 9)
        assert console.file.getvalue().count("\n") == 1
    assert traced_steps(tmp_path / "profile") == [3, 4, 5, 6]
    line = console.file.getvalue()
    assert line.count("\n") == 1 and line.startswith("profiled steps 3 to 6: ")
    assert f"xprof --logdir {tmp_path}/profile" in line and "https://ui.perfetto.dev" in line


def test_an_interrupted_run_ends_its_trace(tmp_path, console):
    with pytest.raises(KeyboardInterrupt), Profiler(tmp_path / "profile", first=2, console=console) as profiler:
        run(profiler, 3)
        raise KeyboardInterrupt
    assert traced_steps(tmp_path / "profile") == [2, 3]
    assert console.file.getvalue().startswith("profiled steps 2 to 3: ")


def test_a_run_that_is_too_short_says_so(tmp_path, console):
    with Profiler(tmp_path / "profile", first=5, console=console) as profiler:
        run(profiler, 4)
    assert console.file.getvalue() == "nothing was profiled: the run ended before step 5\n"
    assert not list(tmp_path.iterdir())


def test_no_steps_are_no_trace(tmp_path, console):
    with Profiler(tmp_path / "profile", first=1, steps=0, console=console) as profiler:
        run(profiler, 3)
    assert not console.file.getvalue() and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_stops_no_run(tmp_path, console):
    (tmp_path / "profile").write_text("a file")
    with Profiler(tmp_path / "profile", first=1, steps=1, console=console) as profiler:
        run(profiler, 3)
    line = console.file.getvalue()
    assert line.count("\n") == 1 and line.startswith(f"cannot profile into {tmp_path}/profile: ")


def test_a_trace_that_cannot_be_written_stops_no_run(tmp_path, console, monkeypatch):
    stop_trace = jax.profiler.stop_trace

    def fail():
        stop_trace()
        raise RuntimeError("No space left on device")

    monkeypatch.setattr(jax.profiler, "stop_trace", fail)
    with Profiler(tmp_path / "profile", first=1, steps=1, console=console) as profiler:
        run(profiler, 3)
    reason = "No space left on device; free some space, or choose another folder"
    assert console.file.getvalue() == f"cannot write the profile in {tmp_path}/profile: {reason}\n"
