"""The system's clock decides nothing: it may step back by a year, or run backwards."""

import ast
import itertools
import re
import time
from pathlib import Path

import pytest
from rich.console import Console
from short_runs import run
from training.test_tensorboard import events, files, row

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint.run_folder import saved_steps
from zoo.training.logging.recorder import Recorder
from zoo.training.logging.rows import read_rows
from zoo.training.schedule import SaveTimer

YEAR = 365 * 24 * 3600.0
# Where the time of day is meant: it is shown to people.
SHOWN = {
    "weights/download_lock.py": {"datetime.now"},
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
    root = Path(zoo.__file__).parent
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
    rows = read_rows(RunFolder(tmp_path / "run"))
    assert [found["step"] for found in rows] == [4, 8, 12]
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"] < rows[2]["seconds"] < 1000
    assert all(found["images_per_second"] > 0 for found in rows)
    run(tmp_path / "run", resume=True)
    assert read_rows(RunFolder(tmp_path / "run")) == rows


@pytest.mark.usefixtures("odd_clock")
def test_saves_by_time_follow_a_clock_that_cannot_be_set():
    timer = SaveTimer(0.2)
    assert not any(timer.expired() for _ in range(100))
    time.sleep(0.21)
    assert timer.expired() and not timer.expired()


@pytest.mark.usefixtures("odd_clock")
def test_events_of_tensorboard_are_in_the_order_in_which_they_came(tmp_path):
    with Recorder(RunFolder(tmp_path), Console(quiet=True), tensorboard=True) as record:
        for step in (4, 8, 12):
            record.add(row(step))
    (file,) = files(tmp_path)
    times = [event.wall_time for event in events(file)]
    assert times == sorted(times) and times[-1] - times[0] < 100


def test_event_files_of_later_sessions_are_read_later(tmp_path, monkeypatch):
    order, start = [], time.time()
    for now in (start, start - YEAR, 5.0, start + YEAR, start, start):
        set_clock(monkeypatch, lambda now=now: now)
        with Recorder(RunFolder(tmp_path), Console(quiet=True), tensorboard=True) as record:
            record.add(row(4 * len(order) + 4))
        order += [path for path in files(tmp_path) if path not in order]
    assert len(order) == 6 and order == files(tmp_path)
