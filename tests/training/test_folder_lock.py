"""Only one process trains in a run folder, on any file system and however many start at the same moment."""

import dataclasses
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from short_runs import CONFIG, with_recipe

import zoo
from zoo.training import RunFolder
from zoo.training.checkpoint import folder_lock
from zoo.training.checkpoint.folder_lock import acquire, lock_file, lock_folder, release
from zoo.training.checkpoint.lock_owner import this_process


def write_owner(folder, **changes):
    """Lock the folder for this process with changes."""
    owner = dataclasses.replace(this_process(), **changes)
    lock_file(folder).write_text(json.dumps(dataclasses.asdict(owner)))


def ended_process():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture(params=["links", "no links"])
def file_system(request, monkeypatch):
    """With hard links, or without, as on FAT and some network file systems."""

    def no_links(*args, **options):
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param == "no links":
        monkeypatch.setattr(os, "link", no_links)


@pytest.mark.usefixtures("file_system")
def test_a_folder_takes_one_run_at_a_time(tmp_path):
    held = pytest.raises(zoo.ZooError, match=r"another process trains in .*: wait for it")
    with lock_folder(tmp_path), held, lock_folder(tmp_path):
        pass
    with lock_folder(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_the_folder_of_a_running_run_is_not_renamed(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG)
    with lock_folder(folder.path), pytest.raises(zoo.ZooError, match="another process trains in"):
        folder.start(CONFIG)
    assert folder.start(CONFIG) == tmp_path / "run.1"
    assert not lock_file(tmp_path / "run").exists() and not lock_file(tmp_path / "run.1").exists()


@pytest.mark.parametrize("name", [".", "..", "../{folder}", "inner/.."])
def test_a_run_in_the_current_folder_is_started_and_not_renamed(tmp_path, monkeypatch, name):
    current = tmp_path / "current"
    (current / "inner").mkdir(parents=True)
    monkeypatch.chdir(current)
    folder = RunFolder(Path(name.format(folder=current.name)))
    folder.start(CONFIG)
    stored = folder.config_file.read_bytes()
    with pytest.raises(zoo.ZooError, match="current folder or around it: resume the run with --resume, or choose"):
        folder.start(CONFIG)
    assert folder.config_file.read_bytes() == stored and not lock_file(folder.path).exists()


def test_a_path_through_the_run_folder_is_a_path_to_it(tmp_path):
    (tmp_path / "run" / "inner").mkdir(parents=True)
    folder = RunFolder(tmp_path / "run" / "inner" / "..")
    folder.start(CONFIG)
    assert folder.start(CONFIG) == tmp_path / "run.1"
    assert (tmp_path / "run" / "config.json").exists()


def test_neither_a_link_nor_a_rename_avoids_the_lock(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    held = pytest.raises(zoo.ZooError, match="another process trains in")
    with lock_folder(tmp_path / "run"), held, lock_folder(tmp_path / "link"):
        pass
    owner = acquire(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    with held, lock_folder(tmp_path / "moved"):
        pass
    release(tmp_path / "moved", owner)


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize(
    "changes",
    [
        {"pid": "ended"},
        {"started": "1"},  # its number is now that of another process
        {"boot": "before the power failure"},
    ],
)
def test_the_lock_of_a_process_that_has_ended_is_taken_over(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(folder_lock, "this_process", lambda: dataclasses.replace(this_process(), machine="of the test"))
    changes = {"machine": "of the test", **changes}
    write_owner(tmp_path, **{**changes, "pid": ended_process()} if changes.get("pid") == "ended" else changes)
    held = pytest.raises(zoo.ZooError, match="another process trains in")
    with lock_folder(tmp_path), held, lock_folder(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_zombie_has_ended(tmp_path):
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    write_owner(tmp_path, pid=process.pid, started="7")
    with lock_folder(tmp_path):
        pass
    process.wait()


@pytest.mark.parametrize(
    "changes", [{"host": "node7"}, {"machine": "another"}, {"namespace": "pid:[1]"}, {"machine": "", "boot": "another"}]
)
def test_whether_a_process_elsewhere_has_ended_is_not_guessed(tmp_path, monkeypatch, changes):
    if changes.get("machine") == "":
        without = dataclasses.replace(this_process(), machine="")
        monkeypatch.setattr(folder_lock, "this_process", lambda: dataclasses.replace(without))
    write_owner(tmp_path, pid=ended_process(), **changes)
    host = changes.get("host", socket.gethostname())
    with pytest.raises(zoo.ZooError, match=rf"of {host}, .*if it has ended, remove .*lock.json") as error:
        acquire(tmp_path)
    assert "\n" not in str(error.value)
    lock_file(tmp_path).unlink()
    with lock_folder(tmp_path):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\0" * 10, '{"pid": 1}', "[" * 100_000])
def test_a_lock_that_names_no_owner_is_one_line(tmp_path, text):
    lock_file(tmp_path).write_text(text)
    with pytest.raises(zoo.ZooError, match=r"lock.json.* remove it"):
        acquire(tmp_path)
    assert lock_file(tmp_path).read_text() == text


def test_a_run_folder_without_checkpoints_is_refused_before_the_run(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    with pytest.raises(zoo.ZooError, match=r"not UTF-8.*--run-dir"):
        RunFolder(folder).start(CONFIG)
    assert not folder.exists()


def test_a_lock_that_is_a_broken_link_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "UNSEEN_SECONDS", 0.2)
    lock_file(tmp_path).symlink_to("nowhere")
    with pytest.raises(zoo.ZooError, match=r"lock\.json.* remove it"):
        acquire(tmp_path)


def test_a_folder_that_cannot_be_locked_is_one_line(tmp_path, monkeypatch):
    def read_only(*args, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "fsync", read_only)
    with pytest.raises(zoo.ZooError, match=r"cannot lock the run folder .*: Read-only file system"):
        acquire(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("file_system")
@pytest.mark.parametrize("stale", [False, True])
def test_of_many_at_the_same_moment_one_has_the_lock(tmp_path, stale):
    many, pid = 8, ended_process()
    for attempt in range(10):
        folder, barrier = tmp_path / str(attempt), threading.Barrier(many)
        folder.mkdir()
        if stale:
            write_owner(folder, pid=pid)

        def start(_, folder=folder, barrier=barrier):
            barrier.wait()
            try:
                return acquire(folder)
            except zoo.ZooError:
                return None

        with ThreadPoolExecutor(many) as pool:
            owners = [owner for owner in pool.map(start, range(many)) if owner]
        assert len(owners) == 1
        release(folder, owners[0])
        assert not list(folder.iterdir())


STARTING = r"""
import json, os, sys, time
from pathlib import Path
import zoo
sys.path.insert(0, sys.argv[2])
from short_runs import with_recipe
from zoo.training import RunFolder
folder, moment = RunFolder(Path(sys.argv[1])), time.monotonic() + 1
for seed in range(12):
    if os.fork() == 0:
        time.sleep(max(0, moment - time.monotonic()))
        try:
            with folder.starting(with_recipe(seed=seed)):
                time.sleep(1)
                stored = json.loads(folder.config_file.read_text())
                line = f"seed {seed} {stored['recipe']['seed']}"
        except zoo.ZooError as error:
            line = f"refused: {error}"
        os.write(1, f"{line}\n".encode())  # one write, which others do not divide
        os._exit(0)
for _ in range(12):
    os.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True])
def test_of_many_processes_that_start_a_run_at_the_same_moment_one_does(tiny, tmp_path, before):
    folder = RunFolder(tmp_path / "run")
    if before:
        folder.start(with_recipe(seed=99))
    command = [sys.executable, "-c", STARTING, str(folder.path), str(Path(__file__).parents[1])]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    lines = output.splitlines()
    (started,) = (line for line in lines if line.startswith("seed"))
    assert len(set(started.split()[1:])) == 1
    assert len(lines) == 12 and all("another process" in line for line in lines if line != started)
    assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == ["run.1"] * before
    if before:
        assert RunFolder(tmp_path / "run.1").read_config().recipe.seed == 99


def test_a_killed_process_leaves_a_lock_that_its_successor_takes_over(tmp_path):
    program = "import os, sys; print(open('/proc/self/stat').read(), flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    write_owner(tmp_path, pid=process.pid, started=process.stdout.readline().rpartition(")")[2].split()[19])
    with pytest.raises(zoo.ZooError, match=f"another process trains in .* process {process.pid} "):
        acquire(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with lock_folder(tmp_path):
        pass
