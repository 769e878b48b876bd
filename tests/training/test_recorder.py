"""What a run measured stays in its folder: resumed, on a full disk, after a kill."""

import errno
import io
import json
import math
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

import zoo
from zoo.training import RunFolder
from zoo.training.logging import recorder
from zoo.training.logging.recorder import Recorder
from zoo.training.logging.tensorboard import ScalarWriter


def row(step, **more):
    measured = {"loss": 1 / step, "accuracy": 0.5, "test_loss": 2 / step, "test_accuracy": 0.4, "learning_rate": 0.1}
    return {"step": step, "epoch": step, **measured, **more}


def stored(path):
    return [json.loads(line, parse_constant=pytest.fail) for line in (path / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=40)


def warnings_of(console):
    return console.file.getvalue().splitlines()


@pytest.fixture
def disk(monkeypatch):
    """A disk that can be full: writing a text leaves half of it."""
    write_text = Path.write_text

    class Disk:
        full = False

    def write(path, text):
        if Disk.full:
            write_text(path, text[: len(text) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text)

    monkeypatch.setattr(Path, "write_text", write)
    return Disk


def test_a_resumed_run_continues_after_the_rows_that_it_does_not_repeat(tmp_path, console):
    with Recorder(RunFolder(tmp_path), console) as record:
        for step in (4, 8, 12):
            record.add(row(step))
    with Recorder(RunFolder(tmp_path), console) as record:
        record.drop_after(8)
        assert [one["step"] for one in stored(tmp_path)] == [4, 8]
        record.add(row(12, loss=0.25))
        record.add(row(16))
    assert stored(tmp_path) == record.rows == [row(4), row(8), row(12, loss=0.25), row(16)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "metrics.jsonl"]
    assert not warnings_of(console)


def test_numbers_that_json_has_not_are_null(tmp_path, console):
    with Recorder(RunFolder(tmp_path), console) as record:
        record.add(row(1, loss=math.nan, test_loss=math.inf, waiting=None))
    assert stored(tmp_path) == [row(1, loss=None, test_loss=None, waiting=None)]


@pytest.mark.parametrize("torn", ['{"step": 2, "epo', "\0\0\0", "[]", "{}"])
def test_a_torn_line_is_skipped_and_reported(tmp_path, console, torn):
    (tmp_path / "metrics.jsonl").write_text(json.dumps(row(1)) + "\n" + torn)
    with Recorder(RunFolder(tmp_path), console) as record:
        record.add(row(2))
    assert stored(tmp_path) == [row(1), row(2)]
    assert len(warnings_of(console)) == 1 and "metrics.jsonl, line 2" in warnings_of(console)[0]
    assert "skipped" in warnings_of(console)[0]


def test_metrics_that_cannot_be_read_end_the_run_at_once(tmp_path, console):
    (tmp_path / "metrics.jsonl").mkdir()
    with (
        pytest.raises(zoo.ZooError, match=r"cannot read .*metrics.jsonl: .*folder"),
        Recorder(RunFolder(tmp_path), console),
    ):
        pass


def test_a_full_disk_is_one_warning_and_loses_nothing(tmp_path, console, disk):
    with Recorder(RunFolder(tmp_path), console) as record:
        record.add(row(1))
        disk.full = True
        record.add(row(2))
        record.add(row(3))
        assert stored(tmp_path) == [row(1)]
        disk.full = False
        record.add(row(4))
        assert stored(tmp_path) == [row(1), row(2), row(3), row(4)]
        disk.full = True
        record.add(row(5))
        disk.full = False
    assert stored(tmp_path) == record.rows and len(record.rows) == 5
    (line,) = warnings_of(console)
    assert f"cannot write {tmp_path}/metrics.jsonl: No space left on device" in line and "the run continues" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "metrics.jsonl"]


def test_missing_rows_are_reported_at_the_end(tmp_path, console, disk):
    with Recorder(RunFolder(tmp_path), console) as record:
        disk.full = True
        record.add(row(1))
    assert warnings_of(console)[1] == f"{tmp_path}/metrics.jsonl lacks the last rows of this run"


def test_a_folder_that_is_gone_does_not_stop_the_run(tmp_path, console):
    folder = RunFolder(tmp_path / "run")
    with Recorder(folder, console, writers=[ScalarWriter(folder.tensorboard)]) as record:
        record.add(row(1))
        record.add(row(2))
        (tmp_path / "run").mkdir()
        record.add(row(3))
        shutil.rmtree(tmp_path / "run")
        record.add(row(4))
        (tmp_path / "run").mkdir()
    assert len(stored(tmp_path / "run")) == 4
    (line,) = warnings_of(console)
    assert "metrics.jsonl: No such file or directory" in line and "the run continues" in line


def test_curves_are_drawn_seldom_and_at_the_end(tmp_path, console, monkeypatch):
    drawn = []
    monkeypatch.setattr(recorder, "draw_curves", lambda rows, path, title: drawn.append((len(rows), path.name, title)))
    with Recorder(RunFolder(tmp_path / "run"), console) as record:
        (tmp_path / "run").mkdir()
        record.add(row(1))
        assert not drawn
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 31)
        for step in (2, 3, 4):
            record.add(row(step))
        assert drawn == [(2, "curves.png", "run")]
    assert drawn[1:] == [(4, "curves.png", "run")]


def test_a_second_interrupt_waits_for_no_picture(tmp_path, console):
    with pytest.raises(KeyboardInterrupt), Recorder(RunFolder(tmp_path), console) as record:
        record.add(row(1))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_without_matplotlib_a_run_continues(tmp_path, console, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with Recorder(RunFolder(tmp_path), console) as record:
        record.add(row(1))
    assert len(warnings_of(console)) == 1 and "cannot draw" in warnings_of(console)[0]


ENDLESS = """
import itertools, sys
from pathlib import Path
from rich.console import Console
from zoo.training.logging.recorder import Recorder
from zoo.training.logging.tensorboard import ScalarWriter
from zoo.training.checkpoint.run_folder import RunFolder
with Recorder(RunFolder(Path(sys.argv[1])), Console()) as record:
    for step in itertools.count(1):
        record.add({"step": step, "epoch": step, "loss": 1.0, "test_accuracy": 0.5})
"""


def test_a_killed_run_leaves_whole_lines(tmp_path, console):
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)])
    try:
        while not (tmp_path / "metrics.jsonl").exists() and process.poll() is None:
            time.sleep(0.01)
        for _ in range(200):
            steps = [one["step"] for one in stored(tmp_path)]
            assert steps == list(range(1, len(steps) + 1))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    steps = len(stored(tmp_path))
    (tmp_path / ".metrics.jsonl.0123abcd").write_text("{")
    with Recorder(RunFolder(tmp_path), console) as record:
        assert len(record.rows) == steps
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.png", "metrics.jsonl"]
