"""Downloads: resumed, checked, complete or absent."""

import errno
import socket
import threading
from pathlib import Path

import pytest
from weights.server import BODY, DIGEST

import zoo
from zoo.runtime.web.download import download
from zoo.runtime.web.limits import Limits


@pytest.fixture
def target(tmp_path):
    return tmp_path / "folder" / "w.bin"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_once(url, site, target):
    assert download(url, target, DIGEST).read_bytes() == BODY
    assert names_in(target.parent) == ["w.bin"]
    site.status = 500
    assert download(url, target, DIGEST) == target
    assert len(site.asked) == 1


def test_a_digest_may_be_its_first_digits_in_any_case(url, target):
    assert download(url, target, DIGEST[:8].upper()) == target


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_is_resumed_or_starts_again(url, site, target, ranges):
    site.drop_after = 300_000
    with pytest.raises(zoo.ZooError, match=rf"{url} .* 0\.\d MiB.* resume"):
        download(url, target, DIGEST)
    assert names_in(target.parent) == ["w.bin.part"]
    received = target.with_name("w.bin.part").stat().st_size
    assert 0 < received <= 300_000

    site.drop_after, site.ranges = None, ranges
    assert download(url, target, DIGEST).read_bytes() == BODY
    assert site.asked[1] == ("GET", "/w.bin", f"bytes={received}-")
    assert names_in(target.parent) == ["w.bin"]


def test_without_a_digest_nothing_is_resumed(url, site, target):
    site.drop_after = 300_000
    with pytest.raises(zoo.ZooError, match=url):
        download(url, target)
    site.drop_after = None
    assert download(url, target).read_bytes() == BODY
    assert site.asked[1] == ("GET", "/w.bin", None)


def test_a_part_that_is_longer_than_the_file_starts_again(url, site, target):
    target.parent.mkdir()
    target.with_name("w.bin.part").write_bytes(BODY + b"more")
    assert download(url, target, DIGEST).read_bytes() == BODY
    assert [byte_range for _, _, byte_range in site.asked] == [f"bytes={len(BODY) + 4}-", None]


def test_a_wrong_digest_leaves_nothing(url, target):
    with pytest.raises(zoo.ZooError, match=f"{url} .*{DIGEST}.*{'0' * 64}"):
        download(url, target, "0" * 64)
    assert names_in(target.parent) == []


def test_a_part_of_another_file_is_detected(url, target):
    target.parent.mkdir()
    target.with_name("w.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(zoo.ZooError, match=f"SHA-256 .*{DIGEST}"):
        download(url, target, DIGEST)
    assert names_in(target.parent) == []
    assert download(url, target, DIGEST).read_bytes() == BODY


def test_a_full_disk_leaves_nothing(url, target, monkeypatch):
    class FullDisk:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            self.file.__enter__()
            return self

        def __exit__(self, *error):
            return self.file.__exit__(*error)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            self.file.write(data[:1000])
            raise OSError(errno.ENOSPC, "No space left on device")

    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", **other: (FullDisk if mode == "ab" else lambda f: f)(opened(path, mode))
    )
    with pytest.raises(zoo.ZooError, match=r"w\.bin: No space left on device.* ZOO_CACHE"):
        download(url, target, DIGEST)
    assert names_in(target.parent) == []


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, r"there is no http://127.*w\.bin \(404\)"), (503, "responded with 503 Service Unavailable")],
)
def test_what_is_not_there_leaves_nothing(url, site, target, status, message):
    site.status = status
    with pytest.raises(zoo.ZooError, match=message):
        download(url, target, DIGEST)
    assert names_in(target.parent) == []


def test_a_server_that_fails_does_not_cost_what_was_received(url, site, target):
    target.parent.mkdir()
    target.with_name("w.bin.part").write_bytes(BODY[:1000])
    site.status = 503
    with pytest.raises(zoo.ZooError, match="503"):
        download(url, target, DIGEST)
    assert target.with_name("w.bin.part").read_bytes() == BODY[:1000]


def test_no_network(target):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/w.bin"
        with pytest.raises(zoo.ZooError, match=r"127\.0\.0\.1 \(no connection\)"):
            download(url, target, DIGEST)
    assert names_in(target.parent) == []


def test_a_server_that_says_nothing(target):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(zoo.ZooError, match="no response in time"):
            download(f"http://127.0.0.1:{silent.getsockname()[1]}/w.bin", target, DIGEST, Limits(header_seconds=0.1))


def test_concurrent_calls_download_once(url, site, target):
    threads = [threading.Thread(target=download, args=(url, target, DIGEST)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == BODY
    assert len(site.asked) == 1


def test_a_folder_that_cannot_be_made(url, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(zoo.ZooError, match="cannot write"):
        download(url, tmp_path / "file" / "w.bin", DIGEST)
