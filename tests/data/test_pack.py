"""Data sets that are written as array_record files."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter
from command_line import error_of
from safetensors.numpy import load_file, save_file
from shard_fixtures import CLASSES, images_of, make_folder, write_tars

from zoo.__main__ import main
from zoo.data import DataError, open_arrays, open_dataset, pack
from zoo.data.sources import packed
from zoo.errors import ZooError


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture
def packed_photos(photos, tmp_path):
    pack.pack(open_dataset(photos), tmp_path / "packed")
    return tmp_path / "packed"


def message(path) -> str:
    with pytest.raises(ZooError) as error:
        open_dataset(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_same_images_in_the_same_order(photos, tmp_path, monkeypatch):
    for module in (pack, packed):
        monkeypatch.setattr(module, "MAX_IMAGES_PER_FILE", 7)
    folder = open_dataset(photos)
    pack.pack(folder, tmp_path / "packed")
    data = open_dataset(tmp_path / "packed")
    assert (data.name, data.class_names, data.image_shape) == (folder.name, CLASSES, folder.image_shape)
    assert f"packed from the folder {photos}" in data.split
    assert len(list((tmp_path / "packed").glob("train-*-of-00004.array_record"))) == 4
    for source, expected in ((data.train, folder.train), (data.test, folder.test)):
        assert source.files == expected.files and source.labels.tolist() == list(expected.labels)
        for index in range(len(expected)):
            assert source.encoded(index) == expected.path(index).read_bytes()
            assert np.array_equal(source[index]["image"], expected[index]["image"])
    assert pickle.loads(pickle.dumps(data.train)).encoded(9) == data.train.encoded(9)
    assert data.origin.training == folder.origin.training


def test_from_tar_files_and_from_pixels(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    tar = open_dataset(write_tars(tmp_path / "tar", images_of(photos)))
    pack.pack(tar, tmp_path / "a")
    assert open_dataset(tmp_path / "a").train.encoded(3) == tar.train.encoded(3)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 1), np.uint8)
    arrays = open_arrays((pixels, np.arange(20) % 2), class_names=("x", "y"))
    pack.pack(arrays, tmp_path / "b")
    data = open_dataset(tmp_path / "b")
    assert data.class_names == ("x", "y") and np.array_equal(data.train[5]["image"], arrays.train[5]["image"])
    assert data.train.labels.tolist() == arrays.train.labels.tolist()


def test_nothing_is_left_of_what_fails(photos, tmp_path):
    folder = shutil.copytree(photos, tmp_path / "photos")
    data = open_dataset(folder)
    (folder / data.test.files[-1]).unlink()
    with pytest.raises(DataError, match="cannot read the image"):
        pack.pack(data, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_what_is_there_is_not_written_over(packed_photos, photos, tmp_path):
    for out in (packed_photos, photos, tmp_path / "none" / "out", Path(), Path("/"), tmp_path / "\udcff"):
        with pytest.raises(ZooError):
            pack.pack(open_dataset(photos), out)
    packed_photos.rename(tmp_path / "new.unfinished")
    with pytest.raises(ZooError, match="killed"):
        pack.pack(open_dataset(photos), tmp_path / "new")
    (tmp_path / "new.unfinished" / packed.RECORD).unlink()
    assert "unfinished" in message(tmp_path / "new.unfinished")


def test_a_folder_whose_name_is_not_utf8_is_one_line(packed_photos, tmp_path):
    packed_photos.rename(tmp_path / "\udcff")
    assert "not UTF-8" in message(tmp_path / "\udcff")


def changed_record(folder, **fields):
    record = json.loads((folder / packed.RECORD).read_text())
    (folder / packed.RECORD).write_text(json.dumps(record | fields))


def changed_columns(folder, **columns):
    save_file({**load_file(folder / packed.LABELS), **columns}, folder / packed.LABELS)


def written_again(folder, options):
    path = str(folder / "train-00000-of-00001.array_record")
    reader = ArrayRecordReader(path)
    writer = ArrayRecordWriter(path, options)
    for record in reader.read_all():
        writer.write(record)
    writer.close()
    reader.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: changed_record(folder, train=23),
        lambda folder: changed_record(folder, train=2**31 - 1),
        lambda folder: changed_record(folder, class_names=["9", "10"]),
        lambda folder: changed_record(folder, class_names=["9", "10", "9"]),
        lambda folder: changed_record(folder, version=2),
        lambda folder: changed_record(folder, other=2),
        lambda folder: (folder / packed.RECORD).unlink(),
        lambda folder: (folder / packed.LABELS).unlink(),
        lambda folder: (folder / packed.LABELS).write_bytes(b"x" * 100),
        lambda folder: (folder / "test-00000-of-00001.array_record").unlink(),
        lambda folder: (folder / "test-00000-of-00001.array_record").write_bytes(b""),
        lambda folder: (folder / "test-00000-of-00001.array_record").write_bytes(b"x" * 2**17),
        lambda folder: shutil.copy(*sorted(folder.glob("t*.array_record"))),
        lambda folder: written_again(folder, "group_size:1,zstd"),
        lambda folder: written_again(folder, "group_size:8,uncompressed"),
        lambda folder: changed_columns(folder, train_labels=np.zeros((24, 1), np.int64)),
        lambda folder: changed_columns(folder, train_labels=np.zeros(24, np.float64)),
        lambda folder: changed_columns(folder, train_labels=np.full(24, -1)),
        lambda folder: changed_columns(folder, test_files=np.zeros(10**6, np.uint8)),
        lambda folder: changed_columns(folder, test_files=np.zeros(1, np.uint8)),
    ],
)
def test_a_damaged_pack_is_one_line(packed_photos, damage):
    damage(packed_photos)
    assert "packed" in message(packed_photos)


def test_a_pack_that_is_cut_off_or_changed_never_gives_another_image(packed_photos):
    data = open_dataset(packed_photos)
    path = packed_photos / "train-00000-of-00001.array_record"
    whole, expected = path.read_bytes(), [data.train.encoded(index) for index in range(24)]
    for size in (10, 1000, len(whole) // 2, len(whole) - 1000):
        path.write_bytes(whole[:size])
        try:
            again = open_dataset(packed_photos).train
        except ZooError as error:
            assert "packed" in str(error)
            continue
        for index in range(24):
            try:
                assert again.encoded(index) == expected[index]
            except DataError as error:
                assert again.files[index] in str(error)


def test_the_command(photos, tmp_path, capsys):
    assert not main(["data", "pack", str(photos), str(tmp_path / "out")])
    assert "24 training and 6 test images" in capsys.readouterr().out
    assert not main(["data", str(tmp_path / "out")])
    assert "all 30 images decoded" in capsys.readouterr().out
    assert "pack DATA OUT" in error_of(capsys, "data", "pack", str(photos))
    assert "pack DATA OUT" in error_of(capsys, "data", str(photos), str(photos), str(photos))
    assert "--json" in error_of(capsys, "data", "pack", str(photos), str(tmp_path / "new"), "--json")
