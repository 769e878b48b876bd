"""Files are written completely or not at all, and only files are replaced."""

import os
import stat
from pathlib import Path

import pytest
from command_line import error_of

from zoo.errors import ZooError
from zoo.runtime.atomic_files import check_replaceable, clear_unfinished, replacing, replacing_with_others


def names(folder):
    return [path.name for path in folder.iterdir()]


def write(path, text="new"):
    with replacing(path) as unfinished:
        unfinished.write_text(text)


def special(folder, kind):
    path = folder / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(os.devnull)
    return path


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_refused_and_stays(tmp_path, kind):
    path = special(tmp_path, kind)
    for attempt in (write, check_replaceable):
        with pytest.raises(ZooError, match=f"cannot write {path}: it is a {kind}"):
            attempt(path)
    assert names(tmp_path) == [kind]
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode) and not path.is_file()


@pytest.mark.parametrize("command", [("report", "lenet5", "--out"), ("convert", "--model=lenet5", "--force", "run")])
def test_a_command_refuses_a_device_before_it_computes(capsys, tmp_path, command):
    path = tmp_path / "device.safetensors"
    path.symlink_to(os.devnull)
    assert "a device" in error_of(capsys, *command, str(path))
    assert path.is_symlink()


def test_the_file_behind_a_symbolic_link_is_replaced(tmp_path):
    (tmp_path / "data").mkdir()
    link, file = tmp_path / "link", tmp_path / "data" / "file"
    link.symlink_to(file)
    for text in ("made", "replaced"):
        write(link, text)
        assert link.is_symlink() and file.read_text() == text and names(tmp_path / "data") == ["file"]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "猫" * 85])
def test_the_longest_names_can_be_replaced(tmp_path, name):
    path = tmp_path / name
    check_replaceable(path)
    write(path)
    assert names(tmp_path) == [name]
    with pytest.raises(ZooError, match="File name too long"):
        write(path.with_name(name + "xx"))


def test_unfinished_files_of_long_names_are_removed(tmp_path):
    path = tmp_path / ("x" * 255)
    left = []
    with replacing(path) as unfinished:
        unfinished.write_text("")
        left.append(unfinished.with_name(unfinished.name[:-8] + "01234567"))
        left[0].touch()
    clear_unfinished(path)
    assert names(tmp_path) == [path.name]


def test_what_cannot_be_replaced_is_known_before(tmp_path):
    (tmp_path / "file").touch()
    for path, why in [
        (tmp_path / "missing" / "x", "No such file"),
        (tmp_path / "file" / "x", "Not a directory"),
        (Path("/proc/x"), "cannot write /proc/x"),
    ]:
        with pytest.raises(ZooError, match=why):
            check_replaceable(path)
    assert names(tmp_path) == ["file"]


def write_with_another(path, text="new", fail=False):
    with replacing_with_others(path) as unfinished:
        unfinished.write_text(text)
        unfinished.with_name("another").write_text(text)
        if fail:
            raise KeyboardInterrupt


def test_files_that_belong_together_are_put_in_place_together(tmp_path):
    for text in ("made", "replaced"):
        write_with_another(tmp_path / "file", text)
        assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": text, "another": text}
    with pytest.raises(KeyboardInterrupt):
        write_with_another(tmp_path / "file", fail=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": text, "another": text}


def test_nothing_is_left_where_the_last_of_them_cannot_be_put_in_place(tmp_path, monkeypatch):
    replace = Path.replace

    def full(self, target):
        if self.name == "file":
            raise OSError(28, "No space left on device", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ZooError, match="No space left"):
        write_with_another(tmp_path / "file")
    assert names(tmp_path) == []
    for kind in ("folder", "pipe", "device"):
        with pytest.raises(ZooError, match=f"it is a {kind}"):
            write_with_another(special(tmp_path, kind))
