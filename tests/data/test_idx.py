"""IDX folders, from bytes written by hand."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest

from zoo.data import DataError, open_dataset
from zoo.data import open as module
from zoo.data.sources import idx as idx_source
from zoo.data.sources.idx import read_idx

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.integers(0, 256, (12, 5, 4), np.uint8), RNG.integers(0, 256, (6, 5, 4), np.uint8)
TRAIN_LABELS, TEST_LABELS = np.arange(12, dtype=np.uint8) % 10, np.arange(6, dtype=np.uint8)


def idx(array):
    return struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


FILES = {
    "train-images-idx3-ubyte": idx(TRAIN),
    "train-labels-idx1-ubyte": idx(TRAIN_LABELS),
    "t10k-images-idx3-ubyte": idx(TEST),
    "t10k-labels-idx1-ubyte": idx(TEST_LABELS),
}


def write(folder, files):
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_the_four_files_are_read(tmp_path, zipped, dotted):
    files = {name.replace("-idx", ".idx") if dotted else name: data for name, data in FILES.items()}
    files = {f"{name}.gz": gzip.compress(data) for name, data in files.items()} if zipped else files
    data = open_dataset(write(tmp_path / "my set (1)", files))
    assert data.name == "my-set-1" and data.class_names == tuple("0123456789") and data.image_shape == (5, 4, 1)
    for source, images, labels in ((data.train, TRAIN, TRAIN_LABELS), (data.test, TEST, TEST_LABELS)):
        assert len(source) == len(labels)
        for i in range(len(source)):
            np.testing.assert_array_equal(source[i]["image"], images[i][..., None])
            assert source[i]["label"] == labels[i] and isinstance(source[i]["label"], int)


def test_a_debian_packages_folder_is_found_after_that_of_data_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "INSTALLED", tmp_path / "installed")
    (tmp_path / "installed").mkdir()
    write(tmp_path / "installed" / "mine", FILES)
    (tmp_path / "data").mkdir()
    assert len(open_dataset("mine", tmp_path / "data").test) == 6
    fewer = {"t10k-images-idx3-ubyte": idx(TEST[:2]), "t10k-labels-idx1-ubyte": idx(TEST_LABELS[:2])}
    write(tmp_path / "data" / "mine", FILES | fewer)
    assert len(open_dataset("mine", tmp_path / "data").test) == 2


def test_a_folder_is_found_under_data_dir(tmp_path):
    write(tmp_path / "mine", FILES)
    assert open_dataset("mine", tmp_path).name == "mine"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("train-images-idx3-ubyte", idx(TRAIN)[:-7], r"is truncated: its header declares 240 bytes, it holds 233"),
        ("train-images-idx3-ubyte", idx(TRAIN) + b"x", r"is too long: its header declares 240 bytes, it holds more"),
        ("train-images-idx3-ubyte", idx(TRAIN)[:9], r"is truncated in its header"),
        ("train-images-idx3-ubyte", b"", r"it starts with , not 00000803"),
        ("train-images-idx3-ubyte", idx(TRAIN_LABELS), r"it starts with 00000801, not 00000803"),
        ("train-images-idx3-ubyte", b"\x00\x00\x0d" + idx(TRAIN)[3:], r"it starts with 00000d03, not 00000803"),
        ("train-images-idx3-ubyte", b"\x89PNG" + idx(TRAIN), r"it starts with 89504e47, not 00000803"),
        ("t10k-labels-idx1-ubyte", idx(TEST_LABELS[:5]), r"holds 6 images but .* 5 labels"),
        ("t10k-labels-idx1-ubyte", None, r"has no t10k-labels-idx1-ubyte or \.gz"),
        ("train-images-idx3-ubyte", idx(TRAIN[:0]), r"holds no images"),
        ("train-images-idx3-ubyte.gz", b"not gzip", r"cannot read .*ubyte\.gz \(Not a gzipped file"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(TRAIN))[:-20], r"cannot read .*ubyte\.gz \(Compressed file"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name, data, message):
    files = {**FILES, name: data}
    if name.endswith(".gz"):
        del files[name.removesuffix(".gz")]
    with pytest.raises(DataError, match=message) as caught:
        open_dataset(write(tmp_path, {name: data for name, data in files.items() if data is not None}))
    assert name.split("-idx")[0] in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("images", [idx(TRAIN[:0]), struct.pack(">HBB3I", 0, 8, 3, 0, 2**32 - 1, 2**32 - 1)])
def test_a_file_without_images_is_one_line(tmp_path, images):
    files = {**FILES, "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": idx(TRAIN_LABELS[:0])}
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte holds no images"):
        open_dataset(write(tmp_path, files))


HUGE = struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3)


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"])
@pytest.mark.parametrize("rest", [b"", bytes(100)])
def test_a_size_that_is_only_declared_takes_no_memory(tmp_path, name, rest):
    contents = HUGE + rest
    (tmp_path / name).write_bytes(gzip.compress(contents) if name.endswith(".gz") else contents)
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"{name} .*declare"):
        read_idx(tmp_path / name, 3)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("surplus", [-1, 0, 1])
def test_a_large_gzipped_file_is_counted_before_it_is_kept(tmp_path, monkeypatch, surplus):
    monkeypatch.setattr(idx_source, "MAX_UNCHECKED", 100)
    monkeypatch.setattr(idx_source, "CHUNK_SIZE", 50)
    whole = idx(TRAIN)
    (tmp_path / "x.gz").write_bytes(gzip.compress(whole + b"x" if surplus > 0 else whole[: len(whole) + surplus]))
    if not surplus:
        np.testing.assert_array_equal(read_idx(tmp_path / "x.gz", 3), TRAIN)
        return
    with pytest.raises(DataError, match="declares 240 bytes, it holds"):
        read_idx(tmp_path / "x.gz", 3)


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(DataError, match=r"it is a pipe, not a regular file$"):
        read_idx(tmp_path / "x", 3)
