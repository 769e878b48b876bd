"""Tar shards in the layout of WebDataset."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest
from PIL import Image
from shard_fixtures import CLASSES, add, images_of, make_folder, write_tars

from zoo.__main__ import main
from zoo.data import DataError, Preprocessing, open_again, open_dataset, train_batches
from zoo.data.data_changes import data_changes
from zoo.data.sources import tar_cache, tar_members
from zoo.data.sources.encoded import EncodedSource


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ZOO_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture
def shards(photos, tmp_path):
    return write_tars(tmp_path / "shards", images_of(photos))


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    return file.getvalue()


def tar_of(path, *members, **options):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w", **options) as tar:
        for name, contents in members:
            add(tar, name, contents)
    return path


def labelled(names="abcdefghij", label=b"0", start=""):
    return [(f"{start}{name}.{ending}", data) for name in names for ending, data in (("png", png()), ("cls", label))]


def message(path) -> str:
    with pytest.raises(DataError) as error:
        open_dataset(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_same_images_in_the_same_order_as_the_folder(photos, shards):
    data, folder = open_dataset(shards), open_dataset(photos)
    assert data.name == "shards" and data.class_names == folder.class_names == CLASSES
    assert data.image_shape == folder.image_shape
    for source, expected in ((data.train, folder.train), (data.test, folder.test)):
        assert source.files == expected.files and source.labels.tolist() == list(expected.labels)
        for index in range(len(expected)):
            assert source.encoded(index) == expected.path(index).read_bytes()
            assert np.array_equal(source[index]["image"], expected[index]["image"])
            assert source[index]["label"] == expected[index]["label"] == source.label(index)
            assert source.image_shape(index) == expected.image_shape(index)


def test_a_copy_of_the_source_in_another_process_reads_the_same(shards):
    source = open_dataset(shards).train
    copy = pickle.loads(pickle.dumps(source))
    assert isinstance(copy, EncodedSource) and copy.encoded(5) == source.encoded(5)


def test_splits_are_in_the_names_of_files_or_folders(photos, tmp_path):
    images = images_of(photos)
    mixed = images[::2], images[1::2]
    for name, part in zip(("train", "validation"), mixed, strict=True):
        write_tars(tmp_path / "a", part, name=f"photos-{name}")
        (tmp_path / "b").mkdir(exist_ok=True)
        write_tars(tmp_path / "b" / name, part, name="x")
    for folder in ("a", "b"):
        data = open_dataset(tmp_path / folder)
        assert data.train.files == tuple(file for file, _, _ in mixed[0])
        assert data.test.files == tuple(file for file, _, _ in mixed[1])
        assert "validation" in data.split


def test_numbers_are_named_by_the_file_beside_the_shards(tmp_path):
    members = [*labelled("abcde", b"0"), *labelled("fghij", b"1\n")]
    path = tar_of(tmp_path / "a" / "x.tar", *members)
    assert open_dataset(path).class_names == ("0", "1")
    (tmp_path / "a" / "classes.txt").write_text("cat\ndog\n")
    assert open_dataset(tmp_path / "a").class_names == ("cat", "dog")
    (tmp_path / "a" / "classes.txt").write_text("cat\n")
    assert "f.png in" in message(path) and "label 1" in message(path)
    (tmp_path / "a" / "classes.txt").write_text("cat\ncat\n")
    assert "classes.txt" in message(path)


def test_labels_in_json_and_what_is_beside_images(tmp_path):
    members = [
        (f"{n}.{end}", data)
        for n in range(10)
        for end, data in (("jpg", png()), ("json", b'{"label": %d, "w": 1}' % (n % 2)))
    ]
    data = open_dataset(tar_of(tmp_path / "x.tar", ("0.txt", b"words"), *members, ("LICENSE", b"free")))
    assert data.class_names == ("0", "1") and len(data.train) + len(data.test) == 10 and data.name == "x"


def test_a_shard_is_indexed_once_and_again_when_it_is_another(shards, monkeypatch, cache):
    first = open_dataset(shards)
    calls = []
    index_tar = tar_cache.index_tar
    monkeypatch.setattr(tar_cache, "index_tar", lambda path: calls.append(path.name) or index_tar(path))
    assert open_dataset(shards).train.files == first.train.files and not calls
    changed = sorted(shards.iterdir())[0]
    os.utime(changed, ns=(1, 1))
    open_dataset(shards)
    assert calls == [changed.name]
    for kept in (cache / "shards").iterdir():
        kept.write_bytes(kept.read_bytes()[:-9])
    assert open_dataset(shards).test.files == first.test.files and len(calls) == 3


def test_a_cache_that_cannot_be_written_is_done_without(shards, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    assert len(open_dataset(shards).train) == 24


def test_a_run_remembers_the_shards(shards, photos, tmp_path):
    data = open_dataset(shards)
    assert data.origin.kind == "folder" and data.origin.training.per_class == (8, 8, 8)
    assert not data_changes(data.origin, open_again(data.origin))
    write_tars(shards, [(file, kind, image) for file, kind, image in images_of(photos) if file != "dog/3.png"])
    assert "dog" in data_changes(data.origin, open_again(data.origin))
    one = open_dataset(tar_of(tmp_path / "x.tar", *labelled()))
    assert one.origin.describe() == f"the file {tmp_path / 'x.tar'}" and len(open_again(one.origin).train) == 8


def test_a_shard_that_changes_under_a_run_is_named(shards):
    data = open_dataset(shards)
    for path in shards.iterdir():
        path.write_bytes(path.read_bytes() + bytes(512))
    with pytest.raises(DataError, match=r"\.tar.*changed"):
        data.train[0]


def test_processes_share_the_images_and_a_resumed_run_goes_on_with_the_next(shards):
    source = open_dataset(shards).train
    fitted = Preprocessing(image_shape=(4, 4, 3), mean=(0.0,) * 3, std=(1.0,) * 3)

    def batches(part):
        return train_batches(source, preprocessing=fitted, batch_size=6, seed=1, part=part)

    whole, halves = iter(batches((0, 1))), [iter(batches((process, 2))) for process in range(2)]
    for _ in range(4):
        expected, found = next(whole)["image"], [next(half)["image"] for half in halves]
        assert np.array_equal(np.concatenate(found), expected)
    state, expected = halves[1].get_state(), next(halves[1])["image"]
    resumed = iter(batches((1, 2)))
    resumed.set_state(state)
    assert np.array_equal(next(resumed)["image"], expected)


def test_an_image_that_cannot_be_decoded_is_named(tmp_path):
    members = [("a.png", png()[:40]), ("a.cls", b"0"), *labelled("bcdefghij")]
    data = open_dataset(tar_of(tmp_path / "x.tar", *members))
    source = data.train if "a.png" in data.train.files else data.test
    with pytest.raises(DataError, match=r"a\.png in .*x\.tar"):
        source[source.files.index("a.png")]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (labelled(start="../"), "leads out"),
        (labelled(start="/etc/"), "leads out"),
        (labelled(start="a/../../b"), "leads out"),
        ([("a.npy", b"x"), ("a.cls", b"0")], "a.npy"),
        ([("a.PTH", b"x"), *labelled("b")], "a.PTH"),
        ([("a.mask.pkl", b"x"), *labelled("b")], "a.mask.pkl"),
        ([("a.png", png())], "without a .cls"),
        ([("a.cls", b"0")], "without an image"),
        ([("a.png", png()), ("a.jpg", png()), ("a.cls", b"0")], "several images"),
        ([("a.png", png()), ("a.png", png()), ("a.cls", b"0")], "twice"),
        ([*labelled("ab"), *labelled("a")], "twice"),
        ([("a.png", png()), ("a.cls", b"9" * 2000)], "2,000 bytes"),
        ([("a.png", png()), ("a.cls", b"\xff\x00")], "a.cls"),
        ([("a.png", png()), ("a.json", b"{}")], "label"),
        ([("a.png", png()), ("a.json", b"[" * 10000)], "a.json"),
        ([("a.png", png()), ("a.json", b'{"label": ""}')], "name of the class"),
        ([("a.png", png()), ("a.json", b'{"label": "\\ud800"}')], "a.json"),
        ([("a.png", png()), ("a.json", b'{"label": "%s"}' % (b"x" * 1001))], "a.json"),
        (labelled(label=b"4294967295"), "4294967295"),
        (labelled(label=b"-1"), "-1"),
        ([("readme.txt", b"")], "no images"),
        ([("x" * 2000 + ".png", png())], "2004 characters"),
    ],
)
def test_a_bad_member_is_one_line(members, said, tmp_path):
    path = tar_of(tmp_path / "x.tar", *members)
    assert said in message(path) and str(path) in message(path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_members_that_are_no_regular_files_are_refused(kind, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        add(tar, "a.png", b"", type=kind, linkname="/etc/passwd")
        add(tar, "a.cls", b"0")
    assert "a.png" in message(tmp_path / "x.tar")


@pytest.mark.parametrize("size", [0, 100, 511, 512, 560, 1023, 1024, 1030, 1536, 5000])
def test_a_shard_that_is_cut_off(size, tmp_path):
    path = tar_of(tmp_path / "x.tar", *labelled())
    path.write_bytes(path.read_bytes()[:size])
    assert str(path) in message(path)


def test_a_shard_whose_end_mark_is_missing_or_whose_middle_is_damaged(tmp_path):
    path = tar_of(tmp_path / "x.tar", *labelled())
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        third, end = tar.getmembers()[2].offset, tar.getmembers()[-1].offset_data + 512
    path.write_bytes(whole[:end])
    assert "cut off" in message(path)
    # tarfile takes a header with a wrong checksum for the end.
    path.write_bytes(whole[:third] + b"X" + whole[third + 1 :])
    assert "damaged" in message(path)
    # As it takes one of zeros, after which there are images.
    for blocks in (1, 2):
        path.write_bytes(whole[:third] + bytes(512 * blocks) + whole[third + 512 * blocks :])
        assert f"{third:,}" in message(path)


def test_tar_files_that_were_joined_are_not_read_as_the_first_of_them(tmp_path):
    path = tar_of(tmp_path / "x.tar", *labelled())
    other = tar_of(tmp_path / "y.tar", *labelled("klm"))
    path.write_bytes(path.read_bytes() + other.read_bytes())
    assert "joined" in message(path)


@pytest.mark.parametrize("name", ["x-1.tar.gz", "x-1.tgz", "x-1.TAR.ZST"])
def test_compressed_shards_are_not_left_out_silently(name, tmp_path):
    (tmp_path / name).write_bytes(b"anything")
    assert name in message(tmp_path)
    tar_of(tmp_path / "x-0.tar", *labelled())
    assert name in message(tmp_path)


@pytest.mark.parametrize("contents", [b"", b"no tar at all" * 100, b"\x1f\x8b" + bytes(600), bytes(10240)])
def test_what_is_no_tar_file(contents, tmp_path):
    (tmp_path / "x.tar").write_bytes(contents)
    assert "x.tar" in message(tmp_path / "x.tar") and "x.tar" in message(tmp_path)


def test_headers_without_end_take_no_memory(tmp_path, monkeypatch):
    path = tmp_path / "x.tar"
    long = tarfile.TarInfo("a.png")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 2**33
    with path.open("wb") as file:
        file.write(long.tobuf(tarfile.GNU_FORMAT))
        file.truncate(2**34)
    assert "header" in message(path)
    chained = tarfile.TarInfo("a.png")
    chained.type, chained.size = tarfile.GNUTYPE_LONGNAME, 1
    path.write_bytes((chained.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")) * 3000)
    assert "x.tar" in message(path)
    tar_of(path, *labelled())
    monkeypatch.setattr(tar_members, "MAX_MEMBERS", 5)
    assert "x.tar" in message(path)


def test_splits_with_other_classes_are_refused(tmp_path):
    for name, label in (("train", b"cat"), ("test", b"dog")):
        tar_of(tmp_path / f"{name}.tar", *labelled(label=label))
    assert "cat" in message(tmp_path) and "dog" in message(tmp_path)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("train-00000-of-00003", "train-00002-of-00003", "test-0"), "train-00001-of-00003.tar is missing"),
        (("train-0", "other"), "other.tar"),
        (("test-0", "val-0"), "no training shards"),
    ],
)
def test_shards_that_do_not_belong_together(names, said, tmp_path):
    for name in names:
        tar_of(tmp_path / f"{name}.tar", *labelled())
    assert said in message(tmp_path)


def test_unlabelled_test_shards_are_left_out(tmp_path):
    for name, label in (("train", b"0"), ("test", b"-1"), ("validation", b"0")):
        tar_of(tmp_path / f"{name}.tar", *labelled(label=label, start=name))
    data = open_dataset(tmp_path)
    assert data.test.files[0].startswith("validation") and "test" in data.left_out


def test_the_command_takes_shards(shards, capsys):
    assert not main(["data", str(shards)])
    shown = capsys.readouterr().out
    assert "24 training and 6 test images" in shown and "all 30 images decoded" in shown and "no copies" in shown
