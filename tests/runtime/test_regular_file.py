"""Only regular files are read, and no more of them than a limit."""

import os
import socket
from pathlib import Path

import pytest

from zoo.runtime.regular_file import all_regular, open_regular, read_regular, size_of


@pytest.fixture
def special(tmp_path):
    """A folder of everything that has a name and is no regular file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        yield tmp_path


@pytest.mark.parametrize("name", ["pipe", "folder", "device", "socket"])
def test_what_is_no_regular_file_is_refused_at_once(special, name):
    (special / "link").symlink_to(name)
    for path in (special / name, special / "link"):
        with pytest.raises(OSError) as caught:
            open_regular(path)
        assert name in caught.value.strerror and "not a regular file" in caught.value.strerror
        assert caught.value.filename == str(path)


def test_a_link_to_a_regular_file_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"contents")
    (tmp_path / "link").symlink_to("file")
    with open_regular(tmp_path / "link") as file:
        assert size_of(file) == 8 and file.read() == b"contents"


def test_what_the_name_becomes_after_the_check_is_checked_too(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"contents")
    real_open = os.open

    def replace_and_open(*args):
        path.unlink()
        os.mkfifo(path)
        return real_open(*args)

    before = len(list(Path("/dev/fd").iterdir()))
    monkeypatch.setattr(os, "open", replace_and_open)
    with pytest.raises(OSError, match="pipe"):
        open_regular(path)
    monkeypatch.undo()
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_file_that_is_missing_or_too_large(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "missing")
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(path, 4)
    os.truncate(path, 2**40)
    with pytest.raises(OSError, match="more than"):
        read_regular(path)


def test_folders_of_regular_files_and_links_to_them(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "a" / "link").symlink_to("b/file")
    assert all_regular(tmp_path)
    (tmp_path / "a" / "b" / "link").symlink_to("..")
    assert not all_regular(tmp_path)  # without end
    (tmp_path / "a" / "b" / "link").unlink()
    os.mkfifo(tmp_path / "a" / "b" / "pipe")
    assert not all_regular(tmp_path)
