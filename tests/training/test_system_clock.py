"""The system's clock decides nothing: it may step back by a year, or run backwards."""

import ast
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
from short_runs import final_params, measured_rows, run
from training.test_tensorboard import events, files, row

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.logging.rows import read_rows
from zoo.training.logging.tensorboard import ScalarWriter
from zoo.training.schedule import SaveTimer

ROOT = Path(zoo.__file__).parents[1]
YEAR = 365 * 24 * 3600.0
# Where the time of day is meant: it is shown to people, or tells whether a file is still the one that it was.
SHOWN = {
    "data/sources/tar_cache.py": {"status.st_mtime_ns"},
    "runtime/web/download_lock.py": {"datetime.now"},
    "training/checkpoint/lock_owner.py": {"datetime.now"},
    "training/logging/tensorboard.py": {"time.time"},
}
TIME_OF_DAY = re.compile(
    r"time\.time\w*|(datetime|date)\.\w+|.*\.(st_[mac]time\w*|get[mac]time|utime|strftime|localtime)"
)


def set_clock(monkeypatch, now):
    """`now` gives the time of day."""
    monkeypatch.setattr(time, "time", now)
    monkeypatch.setattr(time, "time_ns", lambda: int(now() * 10**9))


CLOCKS = {
    "backwards": lambda start, look: start - 10 * look,
    "a year back": lambda start, look: start - YEAR * (look > 20),
    "1970": lambda start, look: 5.0,
}


@pytest.fixture(params=CLOCKS)
def odd_clock(request, monkeypatch):
    """A clock that is wrong in one of three ways; each look at it has a number."""
    start, look = time.time(), itertools.count()
    set_clock(monkeypatch, lambda: CLOCKS[request.param](start, next(look)))


def test_the_time_of_day_is_only_shown():
    root = ROOT / "zoo"
    for path in sorted(root.rglob("*.py")):
        found = {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and TIME_OF_DAY.fullmatch(name := ast.unparse(node))
        }
        assert found <= SHOWN.get(path.relative_to(root).as_posix(), set()), path


@pytest.mark.usefixtures("odd_clock", "tiny")
@pytest.mark.parametrize(
    "odd_clock", ["backwards", *(pytest.param(name, marks=pytest.mark.slow) for name in CLOCKS)], indirect=True
)
def test_a_run_saves_keeps_and_resumes_as_with_a_right_clock(tmp_path):
    run(tmp_path / "run", save_every="5", keep=2, tensorboard=True)
    assert saved_steps(RunFolder(tmp_path / "run"))[-2:] == [10, 12]
    rows = read_rows(RunFolder(tmp_path / "run")).rows
    assert [found["step"] for found in rows] == [4, 8, 12]
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"] < rows[2]["seconds"] < 1000
    assert all(found["images_per_second"] > 0 for found in rows)
    run(tmp_path / "run", resume=True)
    assert read_rows(RunFolder(tmp_path / "run")).rows == rows


@pytest.mark.usefixtures("odd_clock")
def test_saves_by_time_follow_a_clock_that_cannot_be_set():
    timer = SaveTimer(0.2)
    assert not any(timer.expired() for _ in range(100))
    time.sleep(0.21)
    assert timer.expired() and not timer.expired()


def write_events(folder, *steps):
    """The rows of a session."""
    writer = ScalarWriter(folder / "tensorboard")
    for step in steps:
        writer.add(row(step))
        writer.write()
    writer.close()


@pytest.mark.usefixtures("odd_clock")
def test_events_of_tensorboard_are_in_the_order_in_which_they_came(tmp_path):
    write_events(tmp_path, 4, 8, 12)
    (file,) = files(tmp_path)
    times = [event.wall_time for event in events(file)]
    assert times == sorted(times) and times[-1] - times[0] < 100


def test_event_files_of_later_sessions_are_read_later(tmp_path, monkeypatch):
    order, start = [], time.time()
    for now in (start, start - YEAR, 5.0, start + YEAR, start, start):
        set_clock(monkeypatch, lambda now=now: now)
        write_events(tmp_path, 4 * len(order) + 4)
        order += [path for path in files(tmp_path) if path not in order]
    assert len(order) == 6 and order == files(tmp_path)


# Python imports it at its start; C++ keeps the right time.
SITECUSTOMIZE = """
import itertools, os, time

start, look, kind = time.time(), itertools.count(), os.environ["ODD_CLOCK"]
backwards = lambda: start - 10 * next(look)
# Each second of the real time is a year back.
stepping = lambda: start - 365 * 24 * 3600.0 * int(time.monotonic() - begin)
begin = time.monotonic()
if kind:
    time.time = backwards if kind == "backwards" else stepping
    time.time_ns = lambda: int(time.time() * 10**9)
"""


def train_command(folder, short_run, clock, *more, stop_at=None):
    """`zoo train` in a process with this clock; a SIGTERM after the first checkpoint from step `stop_at` on."""
    (folder / "site").mkdir(parents=True, exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'site'}:{ROOT}", "ODD_CLOCK": clock}
    arguments = [*more, "--run-dir", str(folder / "run"), "--tensorboard", "--save-every", "2", "--keep", "2"]
    process = subprocess.Popen([sys.executable, "-m", "zoo", "train", *arguments], env=environment)
    while (
        stop_at
        and process.poll() is None
        and not any(step >= stop_at for step in saved_steps(RunFolder(folder / "run")))
    ):
        time.sleep(0.05)
    if stop_at:
        process.terminate()
    return process.wait(300)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("backwards", "stepping"), ("stepping", "backwards")])
def test_a_process_with_an_odd_clock_trains_what_it_would_have_trained(tmp_path, short_run, first, second):
    new = ["--model", "lenet5", "--dataset", str(short_run.data), "--epochs", "12", "--batch-size", "16"]
    assert train_command(tmp_path / "right", short_run, "", *new) == 0
    assert train_command(tmp_path / "odd", short_run, first, *new, stop_at=6) == 128 + signal.SIGTERM
    stopped_at = saved_steps(RunFolder(tmp_path / "odd" / "run"))[-1]
    assert train_command(tmp_path / "odd", short_run, second, *new, "--resume") == 0
    right, odd = RunFolder(tmp_path / "right" / "run"), RunFolder(tmp_path / "odd" / "run")
    assert 6 <= stopped_at < saved_steps(odd)[-1]
    assert saved_steps(odd) == saved_steps(right)
    assert measured_rows(odd.path) == measured_rows(right.path)
    jax.tree.map(np.testing.assert_array_equal, final_params(odd.path), final_params(right.path))
    assert len(files(odd.path)) == 2
