"""Caches: what is counted and removed is what zoo and its libraries made, none of it in use, nothing behind a link."""

import fcntl
import gc
import json
import os
import time

import pytest
from command_line import error_of
from weights.server import serving

from zoo.__main__ import main
from zoo.caches import kinds
from zoo.caches.kinds import CACHES
from zoo.commands.cache import NAMES
from zoo.data import open_dataset
from zoo.runtime.cache_entries import use_while_alive
from zoo.runtime.web.download_lock import lock_download
from zoo.runtime.web.limits import Limits
from zoo.weights.fetch import fetch_url

COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = (
    "torchvision/resnet50-11ad3fa6.pth",
    "torchvision/alexnet-owt-7be5be79.pth.part",
    f"hub/timm/resnet50.a1_in1k/{COMMIT}/model.safetensors",
    "hub/timm/resnet50.a1_in1k/refs/main",
)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """All caches are in a folder of the test."""
    names = ("ZOO_CACHE", "JAX_COMPILATION_CACHE_DIR", "TFDS_DATA_DIR", "MPLCONFIGDIR")
    for name, folder in zip(names, ("zoo", "xla", "tfds", "mpl"), strict=True):
        monkeypatch.setenv(name, str(tmp_path / folder))
    return tmp_path


def write(path, size=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def prepare(folders, name="mnist", version="3.0.1", module="tensorflow_datasets.datasets.mnist.mnist_dataset_builder"):
    """The record of a data set that TFDS has prepared."""
    path = write(folders / "tfds" / name / version / "dataset_info.json")
    path.write_text(json.dumps({"name": name, "version": version, "moduleName": module}))
    return path


def states(capsys):
    assert main(["cache", "--json"]) == 0
    return {record["name"]: record for record in json.loads(capsys.readouterr().out)}


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_nothing_is_there_and_nothing_is_made(capsys, folders):
    assert {name: record["bytes"] for name, record in states(capsys).items()} == dict.fromkeys(
        ("weights", "shards", "hub", "programs", "datasets", "fonts"), 0
    )
    assert main(["cache", "clear"]) == 0
    assert "weights: 0 bytes freed" in capsys.readouterr().out
    assert not list(folders.iterdir())


def test_what_was_made_is_counted_and_removed(capsys, folders):
    for name in WEIGHTS:
        write(folders / "zoo" / "weights" / name)
    write(folders / "xla" / "jit_step-5e64-cache", 300)
    write(folders / "xla" / "jit_step-5e64-atime", 8)
    write(folders / "mpl" / "fontlist-v3.11.0.json", 50)
    write(folders / "zoo" / "shards" / f"{'0f' * 16}.safetensors", 70)
    info = prepare(folders)
    sizes = {name: (record["files"], record["bytes"]) for name, record in states(capsys).items()}
    others = {
        "shards": (1, 70),
        "hub": (0, 0),
        "programs": (2, 308),
        "datasets": (1, info.stat().st_size),
        "fonts": (1, 50),
    }
    assert sizes == {"weights": (4, 400), **others}
    assert main(["cache", "clear"]) == 0
    out = capsys.readouterr().out
    assert "weights: 400 bytes freed, 4 files" in out and "datasets" not in out
    assert files(folders) == ["tfds/mnist/3.0.1/dataset_info.json"]
    # Nor are empty folders left.
    assert sorted(path.name for path in (folders / "zoo").rglob("*")) == ["shards", "weights"]
    assert main(["cache", "clear", "datasets"]) == 0
    assert files(folders) == []


def test_other_files_stay(capsys, folders):
    others = [
        *("zoo/weights/mine.safetensors", "zoo/weights/torchvision/mine.pth", "zoo/weights/hub/notes.txt"),
        *(
            "zoo/shards/mine.safetensors",
            "zoo/config.json",
            "xla/notes.txt",
            "xla/mine/report-cache",
            "mpl/matplotlibrc",
            "tfds/photos/cats/1.png",
        ),
        *("tfds/downloads/manual/ILSVRC2012.tar", "tfds/downloads/novel.pdf", "tfds/mnist/notes.txt"),
    ]
    for name in others:
        write(folders / name)
    prepare(folders)
    for name in ("cifar.tar.gz", "cifar.tar.gz.INFO", "extracted/TAR.cifar/batch_1"):
        write(folders / "tfds" / "downloads" / name)
    write(folders / "tfds" / ".preparing-ab12" / "half")
    assert states(capsys)["datasets"]["files"] == 5
    assert main(["cache", "clear", "weights", "shards", "programs", "fonts", "datasets"]) == 0
    assert files(folders) == sorted(others)


def test_links_are_not_followed(capsys, folders):
    precious = write(folders / "precious" / "model.safetensors")
    weights = folders / "zoo" / "weights"
    (weights / "torchvision").mkdir(parents=True)
    (weights / "torchvision" / "resnet50-11ad3fa6.pth").symlink_to(precious)
    (weights / "hub").symlink_to(folders / "precious")
    write(folders / "elsewhere" / "jit_step-5e64-cache")
    (folders / "xla").symlink_to(folders / "elsewhere")
    info = prepare(folders)
    info.with_name("link").symlink_to(folders / "precious")
    (folders / "tfds" / "linked").symlink_to(folders / "precious")
    assert main(["cache", "clear", "weights", "programs", "datasets"]) == 0
    # A cache may be a link itself; what lies in it is not followed.
    assert files(folders) == ["precious/model.safetensors"]
    assert (weights / "hub").is_symlink() and (folders / "xla").is_symlink()


def test_what_is_in_use_stays(capsys, folders):
    part = write(folders / "zoo" / "weights" / "torchvision" / "resnet50-11ad3fa6.pth.part")
    info = prepare(folders)
    reader = lambda: None  # noqa: E731
    use_while_alive(info.parent, reader)
    with lock_download(part.with_suffix(""), Limits()):
        assert main(["cache", "clear", "weights", "datasets"]) == 0
        output, error = capsys.readouterr()
    assert part.is_file() and info.is_file()
    assert "weights: 0 bytes" in output and str(part) in error and str(info.parent) in error
    del reader
    gc.collect()
    assert main(["cache", "clear", "weights", "datasets"]) == 0
    assert files(folders) == []


def test_jax_is_waited_for_once(capsys, folders, monkeypatch):
    for number in range(50):
        write(folders / "xla" / f"jit_{number}-cache")
    lock = write(folders / "xla" / ".lockfile")
    monkeypatch.setattr(kinds, "PROGRAM_LOCK_SECONDS", 0.2)
    start = time.monotonic()
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["cache", "clear", "programs"]) == 0
    assert time.monotonic() - start < 5 and len(files(folders)) == 51
    assert "47 more files" in capsys.readouterr().err
    assert main(["cache", "clear", "programs"]) == 0
    assert files(folders) == ["xla/.lockfile"]


def test_data_sets_that_cannot_be_prepared_again_stay(capsys, folders):
    own = prepare(folders, "pets", "1.0.0", "my_pets.my_pets_dataset_builder")
    by_hand = prepare(folders, "imagenet2012", "5.1.0", "tensorflow_datasets.datasets.imagenet2012.dataset_builder")
    broken = prepare(folders, "broken", "1.0.0")
    broken.write_text("{")
    assert main(["cache", "clear", "datasets"]) == 0
    error = capsys.readouterr().err
    assert own.exists() and by_hand.exists() and broken.exists() and len(error.splitlines()) == 3
    assert "my_pets" in error and "downloaded by hand" in error
    # With what was downloaded by hand it can be made again.
    write(folders / "tfds" / "downloads" / "manual" / "ILSVRC2012.tar")
    assert main(["cache", "clear", "datasets"]) == 0
    assert not by_hand.exists() and own.exists()


def test_a_preparation_keeps_what_it_downloads(folders):
    download = write(folders / "tfds" / "downloads" / "cifar.tar.gz")
    write(download.with_name("cifar.tar.gz.INFO"))
    descriptor = os.open(folders / "tfds", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    assert main(["cache", "clear", "datasets"]) == 0
    assert download.is_file()
    os.close(descriptor)
    assert main(["cache", "clear", "datasets"]) == 0
    assert not download.exists()


def test_a_download_and_a_prepared_data_set_are_found(capsys, folders, monkeypatch):
    """Those that zoo has really made."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as site:
        site.files["/model.safetensors"] = bytes(1000)
        digest = "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"
        path = fetch_url(f"{site.address}/model.safetensors#sha256={digest}")
    open_dataset("digits")
    found = states(capsys)
    assert (found["weights"]["files"], found["weights"]["bytes"]) == (1, 1000) and found["datasets"]["files"] > 2
    assert main(["cache", "clear", "weights", "datasets"]) == 0
    assert not path.exists() and not files(folders / "tfds")
    assert len(open_dataset("digits").train) == 1442


def test_what_cannot_be_removed_is_named(capsys, folders, monkeypatch):
    paths = [write(folders / "xla" / f"jit_{number}-cache") for number in range(5)]

    def refuse(self, missing_ok=False):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    assert main(["cache", "clear", "programs"]) == 2
    output, error = capsys.readouterr()
    assert "0 bytes" in output and str(paths[0]) in error and "Permission denied" in error
    assert len(error.splitlines()) == 4 and "2 more files" in error


def test_programs_elsewhere_are_named(capsys, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "gs://bucket/programs")
    assert main(["cache"]) == 2
    output, error = capsys.readouterr()
    assert "gs://bucket/programs" in error and "fonts" in output


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["clear", "wieghts"], ["'wieghts'", "did you mean weights"]),
        (["clera"], ["did you mean clear"]),
        (["--jsn"], ["did you mean --json"]),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, parts):
    error = error_of(capsys, "cache", *arguments)
    assert all(part in error for part in parts)


def test_the_names_are_those_of_the_caches():
    assert [cache.name for cache in CACHES] == list(NAMES)
