"""Parquet and Arrow tables of images, in the layout of the `datasets` library."""

import io
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from shard_fixtures import CLASSES, images_of, make_folder, table_of, write_table

from zoo.__main__ import main
from zoo.data import DataError, open_again, open_dataset
from zoo.data.data_changes import data_changes
from zoo.errors import ZooError
from zoo.training import Recipe
from zoo.training.prepare import print_data

pa = pytest.importorskip("pyarrow")
from zoo.data.sources import image_tables, parquet_pages, parquet_table  # noqa: E402

KINDS = (".parquet", ".arrow", ".file.arrow")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture
def images(photos):
    return images_of(photos)


def write_shards(folder, images, kind, split="", shards=2):
    for shard in range(shards):
        part = images[shard * len(images) // shards : (shard + 1) * len(images) // shards]
        write_table(folder / f"{split or 'data'}-{shard:05}-of-{shards:05}{kind}", table_of(part))
    return folder


def message(path) -> str:
    with pytest.raises(DataError) as error:
        open_dataset(path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_images_in_the_same_order_as_the_folder(photos, images, tmp_path, kind):
    data, folder = open_dataset(write_shards(tmp_path / "x", images, kind)), open_dataset(photos)
    assert data.name == "x" and data.class_names == folder.class_names == CLASSES
    for source, expected in ((data.train, folder.train), (data.test, folder.test)):
        assert source.files == expected.files and source.labels.tolist() == list(expected.labels)
        for index in np.random.default_rng(0).permutation(len(expected)).tolist():
            assert source.encoded(index) == expected.path(index).read_bytes()
            assert np.array_equal(source[index]["image"], expected[index]["image"])
    copy = pickle.loads(pickle.dumps(data.train))
    assert copy.encoded(5) == data.train.encoded(5)
    assert not data_changes(data.origin, open_again(data.origin))


def test_row_groups_are_kept_up_to_a_limit(images, tmp_path, monkeypatch):
    data = open_dataset(write_shards(tmp_path, images, ".parquet"))
    read = []
    whole = parquet_table.ParquetTable.images
    counted = lambda self, group: read.append(group) or whole(self, group)  # noqa: E731
    monkeypatch.setattr(parquet_table.ParquetTable, "images", counted)
    source = pickle.loads(pickle.dumps(data.train))
    first = [source.encoded(index) for index in range(len(source))]
    assert len(read) == 6 and [source.encoded(index) for index in range(len(source))] == first and len(read) == 6
    monkeypatch.setattr(parquet_table, "KEPT_BYTES", 1)
    source = pickle.loads(pickle.dumps(data.train))
    assert [source.encoded(index) for index in (0, 23, 0)] == [first[0], first[23], first[0]] and len(read) == 9


def test_splits_by_file_name_and_those_without_labels(images, tmp_path):
    write_shards(tmp_path / "data", images[::2], ".parquet", "train")
    write_shards(tmp_path / "data", images[1::2], ".parquet", "validation", 1)
    table = table_of(images[:3])
    unlabelled = table.set_column(1, "label", pa.array([-1, -1, None], pa.int64()))
    table = unlabelled.replace_schema_metadata(table.schema.metadata)
    write_table(tmp_path / "data" / "test-00000-of-00001.parquet", table)
    data = open_dataset(tmp_path)
    assert data.train.files == tuple(file for file, _, _ in images[::2])
    assert data.test.files == tuple(file for file, _, _ in images[1::2]) and "3 images of test" in data.left_out


def test_bytes_without_paths_and_names(images, tmp_path):
    table = pa.table({"img": [contents for _, _, contents in images], "fine_label": [n % 3 for n in range(30)]})
    data = open_dataset(write_table(tmp_path / "x.parquet", table))
    assert data.class_names == ("0", "1", "2") and (len(data.train), len(data.test)) == (24, 6)
    assert data.train[0]["image"].shape == (4, 6, 3) and data.train.files[0] == "x.parquet:0"
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    assert open_dataset(tmp_path / "x.parquet").class_names == ("a", "b", "c")


def with_columns(images, **columns):
    table = table_of(images)
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, values) if values is not None else table.drop_columns([name])
    return table


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"image": None}, "no column of encoded images"),
        ({"label": None}, "no column of labels"),
        ({"label": [[0.5] * 30]}, "no column of labels"),
        ({"label": [[0] * 29 + [3]]}, "label 3"),
        ({"label": [[0] * 29 + [None]]}, "label -1"),
        ({"image": [["/etc/passwd"] * 30]}, "no column of encoded images"),
    ],
)
def test_a_table_without_the_columns_is_one_line(images, tmp_path, columns, said, kind):
    path = write_table(tmp_path / f"x{kind}", with_columns(images, **columns))
    assert said in message(path) and str(path) in message(path)


def test_an_image_without_bytes_is_named_and_its_path_not_opened(images, tmp_path):
    records = [{"bytes": None, "path": file} for file, _, _ in images]
    column = pa.array(records, pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    path = write_table(tmp_path / "x.parquet", with_columns(images, image=column))
    assert "row " in message(path) and "no image" in message(path)


def test_class_lists_that_differ(images, tmp_path):
    write_table(tmp_path / "train.parquet", table_of(images))
    write_table(tmp_path / "test.parquet", table_of(images, ("10", "9", "dog")))
    assert all(part in message(tmp_path) for part in ("test.parquet", "train.parquet", "other classes"))
    write_table(tmp_path / "test.parquet", table_of(images, (*CLASSES, "eel")))
    assert "eel" in message(tmp_path)


def features(names) -> str:
    return json.dumps({"info": {"features": {"label": {"_type": "ClassLabel", "names": names}}}})


@pytest.mark.parametrize("metadata", ["{", "[]", features([1]), features(["a", "a"]), features([""])])
def test_wrong_metadata(images, tmp_path, metadata):
    path = write_table(tmp_path / "x.parquet", table_of(images).replace_schema_metadata({"huggingface": metadata}))
    with pytest.raises(ZooError) as error:
        open_dataset(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_that_is_cut_off_or_damaged(images, tmp_path, kind):
    path = write_table(tmp_path / f"x{kind}", table_of(images))
    whole = path.read_bytes()
    for size in (0, 3, 8, 200, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        assert str(path) in message(path)
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(0, len(whole), 20)] = random.integers(0, 256, 20)
        path.write_bytes(damaged.tobytes())
        try:
            data = open_dataset(path)
            for source in (data.train, data.test):
                for index in range(len(source)):
                    source[index]
        except ZooError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("kind", [".arrow", ".file.arrow"])
def test_compressed_arrow_is_refused(images, tmp_path, kind):
    path = write_table(tmp_path / f"x{kind}", table_of(images), options=pa.ipc.IpcWriteOptions(compression="zstd"))
    assert "compressed" in message(path)


def test_tables_that_would_fill_the_memory(images, tmp_path, monkeypatch):
    path = write_table(tmp_path / "x.parquet", table_of(images))
    monkeypatch.setattr(image_tables, "MAX_ROWS", 29)
    assert "rows" in message(path)
    monkeypatch.undo()
    # One image in a dictionary, for any number of rows.
    same = pa.array([images[0][2]] * 2000)
    path = write_table(path, pa.table({"image": same, "label": [0] * 2000}), row_group_size=2000)
    monkeypatch.setattr(parquet_table, "MAX_GROUP_BYTES", 100_000)
    assert "row_group_size" in message(path)


def test_pages_that_expand_are_refused_before_they_are_decompressed(tmp_path, monkeypatch):
    table = pa.table({"image": [bytes(2**20)] * 4, "label": [0, 1] * 2})
    path = write_table(tmp_path / "x.parquet", table, compression="zstd", use_dictionary=False)
    monkeypatch.setattr(parquet_pages, "FREE_BYTES", 2**21)
    decompressed = []
    monkeypatch.setattr(parquet_table, "_leaf", lambda array: decompressed.append(array) or array)
    assert "expand" in message(path) and str(path) in message(path)
    assert all(pa.types.is_integer(array.type) for array in decompressed)


@pytest.mark.parametrize("options", [{}, {"data_page_version": "2.0"}, {"use_dictionary": False, "data_page_size": 1}])
def test_pages_are_described_by_their_headers(images, tmp_path, options):
    import pyarrow.parquet as parquet

    path = write_table(tmp_path / "x.parquet", table_of(images), compression="none", **options)
    chunk = parquet.read_metadata(path).row_group(0).column(0)
    with path.open("rb") as file:
        found = parquet_pages.check_pages(file, chunk)
    assert found.has_repeats == (options.get("use_dictionary", True))
    # Without compression the pages are the chunk but for their headers.
    assert 0 < found.largest < chunk.total_compressed_size
    assert found.rows_within(10 * found.largest, 16) == (10 if found.has_repeats else 16)


def test_equal_values_of_a_dictionary_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    same = pa.array([bytes(2**16)] * 400)
    path = write_table(tmp_path / "x.parquet", pa.table({"image": same, "label": [0, 1] * 200}), row_group_size=400)
    monkeypatch.setattr(parquet_table, "BATCH_BYTES", 2**17)
    table = parquet_table.open_parquet(path)
    parts, _ = table.images(0)
    assert max(map(len, parts)) <= 2 and sum(map(len, parts)) == 400


def test_more_rows_than_a_file_can_have_images(images, tmp_path, monkeypatch):
    monkeypatch.setattr(image_tables, "FREE_ROWS", 100)
    table = pa.table({"image": pa.array([b""] * 40_000), "label": [0] * 40_000})
    assert "40,000 rows" in message(write_table(tmp_path / "x.parquet", table, row_group_size=40_000))


def test_a_footer_that_says_it_is_huge(images, tmp_path):
    path = write_table(tmp_path / "x.parquet", table_of(images))
    path.write_bytes(path.read_bytes()[:-8] + (2**31).to_bytes(4, "little") + b"PAR1")
    assert "2.0 GiB of description" in message(path)


def test_a_table_that_changes_under_a_run_is_named(images, tmp_path):
    path = write_table(tmp_path / "x.parquet", table_of(images))
    source = pickle.loads(pickle.dumps(open_dataset(path).train))
    path.write_bytes(path.read_bytes() + b"PAR1")
    with pytest.raises(DataError, match=r"row \d+ of .*x\.parquet.*changed"):
        source[0]


def test_kinds_are_not_mixed(images, tmp_path):
    write_table(tmp_path / "x.parquet", table_of(images))
    write_table(tmp_path / "x.arrow", table_of(images))
    assert ".parquet and .arrow" in message(tmp_path)


def test_a_run_says_where_random_order_is_slow(images, tmp_path, monkeypatch):
    monkeypatch.setattr(image_tables, "KEPT_BYTES", 1000)
    write_table(tmp_path / "x.arrow", table_of(images))
    assert not open_dataset(tmp_path / "x.arrow").reading
    data = open_dataset(write_table(tmp_path / "x.parquet", table_of(images)))
    assert f"zoo data pack {tmp_path / 'x.parquet'}" in data.reading
    for feed, times in (("streamed", 1), ("resident", 0)):
        console = Console(file=io.StringIO(), width=1000)
        print_data(data, SimpleNamespace(recipe=Recipe(feed=feed)), console)
        assert console.file.getvalue().count(data.reading) == times


def test_the_command_takes_tables(images, tmp_path, capsys):
    assert not main(["data", str(write_shards(tmp_path, images, ".parquet"))])
    shown = capsys.readouterr().out
    assert "24 training and 6 test images" in shown and "all 30 images decoded" in shown
