"""One process downloads a file; others wait for it, not for ever, and say for whom."""

import errno
import fcntl
import subprocess
import sys
import threading
import time
import warnings

import pytest
from weights.server import BODY, DIGEST

import zoo
from zoo.errors import ZooWarning
from zoo.runtime.web import download_lock
from zoo.runtime.web.download import download
from zoo.runtime.web.download_lock import lock_download
from zoo.runtime.web.limits import Limits

# Holds the lock of a download as `lock_download` does, in a process that starts quickly.
HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
file.write("process 4711 of node7, since yesterday \\x1b[31m\\n")
file.flush()
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def target(tmp_path):
    return tmp_path / "w.bin"


@pytest.fixture
def holder(target):
    """Another process that holds the lock."""
    arguments = [sys.executable, "-S", "-c", HOLDER, str(target.with_name("w.bin.lock"))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_process_that_does_nothing_is_not_waited_for_for_ever(url, site, target, holder):
    start = time.monotonic()
    with pytest.raises(zoo.ZooError, match=r"w\.bin is .*process 4711 of node7, since yesterday .*: end that") as error:
        download(url, target, DIGEST, Limits(waiting_seconds=0.3))
    assert 0.3 < time.monotonic() - start < 20 and str(error.value).isprintable() and not site.asked


@pytest.mark.usefixtures("holder")
def test_a_process_that_writes_is_waited_for(url, target):
    def write():
        for number in range(1, 8):
            time.sleep(0.2)
            target.with_name("w.bin.part").write_bytes(b"x" * number)

    writer = threading.Thread(target=write)
    writer.start()
    start = time.monotonic()
    with (
        pytest.raises(zoo.ZooError, match="without a byte"),
        pytest.warns(ZooWarning, match="waiting .* 4711"),
    ):
        download(url, target, DIGEST, Limits(waiting_seconds=1))
    assert time.monotonic() - start > 2
    writer.join()


def test_the_download_of_a_killed_process_is_resumed(url, site, target, holder):
    target.with_name("w.bin.part").write_bytes(BODY[:1000])
    waiting = threading.Thread(target=download, args=(url, target, DIGEST))
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive() and not target.exists()
    holder.kill()
    waiting.join(20)
    assert target.read_bytes() == BODY and site.asked == [("GET", "/w.bin", "bytes=1000-")]
    assert names_in(target.parent) == ["w.bin"]


def test_the_lock_file_of_an_ended_process_locks_nothing(url, target):
    target.with_name("w.bin.lock").write_text("process 1 of this host\n")
    assert download(url, target, DIGEST, Limits(waiting_seconds=0)).read_bytes() == BODY
    assert names_in(target.parent) == ["w.bin"]


def test_what_another_process_has_downloaded_is_taken(url, site, target):
    with lock_download(target, Limits()):
        waiting = threading.Thread(target=download, args=(url, target, DIGEST))
        waiting.start()
        target.write_bytes(BODY)
    waiting.join(20)
    assert not site.asked and names_in(target.parent) == ["w.bin"]


def test_one_at_a_time_holds_the_lock_whoever_fails(target):
    """A lock file is removed while others wait for it: they must not hold the lock of a removed file."""
    holding, most = [], []

    def hold():
        for _ in range(20):
            with lock_download(target, Limits()):
                holding.append(1)
                most.append(len(holding))
                holding.pop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download_lock, "POLL_SECONDS", 0.001)
        threads = [threading.Thread(target=hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(most) == 80 and max(most) == 1 and not names_in(target.parent)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_no_two_processes_write_to_one_file(url, site, target, monkeypatch, code):
    def no_locks(file, operation):
        raise OSError(code, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with lock_download(target, Limits()) as first, lock_download(target, Limits()) as second:
        first.write_bytes(b"x")
        assert first != second and first.parent == second.parent == target.parent
    assert not names_in(target.parent)
    site.drop_after = 1000
    with pytest.raises(zoo.ZooError, match="stopped after"):
        download(url, target, DIGEST)
    assert not names_in(target.parent)
    site.drop_after = None
    assert download(url, target, DIGEST).read_bytes() == BODY and names_in(target.parent) == ["w.bin"]


def test_a_short_wait_says_nothing(url, target):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = [threading.Thread(target=download, args=(url, target, DIGEST)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert target.read_bytes() == BODY
