"""TFDS names: what can be read, and the message on a machine without a network."""

import dataclasses
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from PIL import Image

from zoo.data import DataError, DataOrigin, Dataset, open_again, open_dataset
from zoo.data.image_shape import typical_shape
from zoo.data.inspection.survey import survey
from zoo.data.sources.tfds import RecordSource
from zoo.runtime.records import as_record

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (10, 6, 8, 3), np.uint8)


def encoded(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    file.seek(0)
    return file


class Tiny(tfds.core.GeneratorBasedBuilder):
    """Images of any size; a test split without labels, as ImageNet's."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("imagenet", "train-only", "fixed")]  # noqa: RUF012

    def _info(self):
        shape = (6, 8, 3) if self.builder_config.name == "fixed" else (None, None, 3)
        features = {"image": tfds.features.Image(shape=shape), "label": tfds.features.ClassLabel(names=["a", "b"])}
        # This one is not requested, and cannot be decoded.
        features["mask"] = tfds.features.Image()
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        if self.builder_config.name != "imagenet":
            return {"train": self._generate_examples(range(10), True)}
        return {
            "train": self._generate_examples(range(6), True),
            "validation": self._generate_examples(range(6, 8), True),
            "test": self._generate_examples(range(8, 10), False),
        }

    def _generate_examples(self, chosen, labelled):
        for i in chosen:
            label = i % 2 if labelled else -1
            # One grey file in a set of RGB images.
            image = IMAGES[i][..., 0] if i == 0 else IMAGES[i]
            yield i, {"image": encoded(image), "label": label, "mask": io.BytesIO(b"no image")}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for config in ("imagenet", "train-only", "fixed"):
        open_dataset(f"tiny/{config}", folder)
    return folder


def expected(i):
    return np.repeat(IMAGES[0][..., :1], 3, 2) if i == 0 else IMAGES[i]


def key(pixels, label):
    return label, pixels.tobytes()


def keys(*sources):
    return sorted(key(source[i]["image"], source[i]["label"]) for source in sources for i in range(len(source)))


def test_validation_takes_the_place_of_a_test_split_without_labels(data_dir):
    data = open_dataset("tiny/imagenet", data_dir)
    assert data.name == "tiny-imagenet" and data.class_names == ("a", "b") and data.image_shape == (6, 8, 3)
    assert keys(data.train) == sorted(key(expected(i), i % 2) for i in range(6))
    assert keys(data.test) == sorted(key(expected(i), i % 2) for i in (6, 7))
    with pytest.raises(IndexError):
        data.train[6]


def test_a_set_with_one_split_gives_its_last_fifth(data_dir):
    data = open_dataset("tiny/train-only", data_dir)
    assert (len(data.train), len(data.test)) == (8, 2)
    assert keys(data.train, data.test) == sorted(key(expected(i), i % 2) for i in range(10))


def test_a_small_set_of_one_size_is_held_in_memory(data_dir):
    data = open_dataset("tiny/fixed", data_dir)
    assert data.train.images.shape == (8, 6, 8, 3)


@pytest.mark.parametrize("config", ["fixed", "imagenet"])
def test_a_run_finds_it_again_in_its_folder_by_its_version(data_dir, tmp_path, monkeypatch, config):
    origin = open_dataset(f"tiny/{config}", data_dir).origin
    assert (origin.kind, origin.name, origin.path) == ("tfds", f"tiny/{config}:1.0.0", str(data_dir))
    assert origin.training.per_class == ((4, 4) if config == "fixed" else ())
    assert as_record(dataclasses.asdict(origin), DataOrigin, "config.json") == origin
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert open_again(origin).origin == origin
    with pytest.raises(DataError, match=r"tiny.*2\.0\.0"):
        open_again(dataclasses.replace(origin, name=f"tiny/{config}:2.0.0"))


def test_what_tfds_prepared_is_known_without_its_code_and_with_a_version(data_dir):
    assert len(open_dataset("tiny/fixed:1.0.0", data_dir).train) == 8
    code = f"import zoo.data; print(len(zoo.data.open_dataset('tiny/fixed', {str(data_dir)!r}).train))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("8\n", "")


def test_a_damaged_example_names_the_folder():
    source = RecordSource(Path("/data/x/1.0.0"), [{"image": b"no image", "label": 0}], "image", "label", 3)
    with pytest.raises(DataError, match=r"cannot read example 0 \(.*\): remove /data/x/1\.0\.0 to have it prepared"):
        source[0]


def record(image, label=0, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return {"image": file.getvalue(), "label": label}


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_a_photograph_in_a_record_is_turned_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 8  # rotate by 90 degrees anticlockwise
    # Large blocks survive JPEG's compression.
    blocks = np.kron(IMAGES[0, :2, :3], np.ones((16, 16, 1), np.uint8))
    source = RecordSource(Path("x"), [record(Image.fromarray(blocks), format=kind, exif=exif)], "image", "label", 3)
    with Image.open(io.BytesIO(source.records[0]["image"])) as stored:
        expected = np.rot90(np.asarray(stored.convert("RGB")))
    np.testing.assert_array_equal(source[0]["image"], expected)
    assert source.image_shape(0) == (48, 32, 3)


def test_a_survey_of_records_reads_them_as_they_are_stored():
    photographs = [Image.fromarray(np.full((400, 300, 3), 40 * value, np.uint8)) for value in range(5)]
    train = [record(image, label, format="jpeg") for label, image in enumerate(photographs[:4])]
    train[3] = {**train[3], "image": train[3]["image"][:-300]}
    test = [record(photographs[1], 1, format="jpeg"), record(photographs[4], 0, format="jpeg")]
    sources = (RecordSource(Path("x"), records, "image", "label", 3) for records in (train, test))
    found = survey(Dataset("x", *sources, ("a", "b", "c", "d"), (400, 300, 3)))
    assert [(row.training, row.test) for row in found.classes] == [(1, 1), (1, 1), (1, 0), (1, 0)]
    assert (found.looked_at.images, found.looked_at.largest, found.looked_at.colour) == (6, (400, 300), 5)
    assert [image.name for image in found.looked_at.unreadable] == ["training image 3"]
    assert [group.images for group in found.leaked] == [("training image 1", "test image 0")] and found.compared == 6


def test_the_first_record_does_not_decide_the_shape_and_may_be_damaged():
    records = [{"image": b"no image", "label": 0}, record(Image.new("L", (9, 9)), format="png")]
    records += [record(Image.new("RGB", (300, 200)), format="png") for _ in range(5)]
    source = RecordSource(Path("x"), records, "image", "label", 3)
    assert typical_shape(source.image_shape, len(source)) == (200, 300, 3)
    assert source.label(0) == 0


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise requests.ConnectionError("no network")

    monkeypatch.setattr(requests, "head", refuse)
    # TFDS's own downloads would go through this, and be tried again for minutes.
    monkeypatch.setattr(requests.Session, "get", lambda *args, **kwargs: pytest.fail("went to the network"))


@pytest.mark.parametrize("name", ["cifar10", "imagenette/160px", "mnist:3.0.1", "imagenet2012"])
def test_without_a_network_one_line_says_what_to_do_at_once(tmp_path, offline, name, capfd):
    start = time.monotonic()
    with pytest.raises(DataError) as caught:
        open_dataset(name, tmp_path / "data")
    assert time.monotonic() - start < 5
    message = str(caught.value)
    dataset = name.partition(":")[0]
    assert message.startswith(f"{dataset} is not prepared in {tmp_path / 'data'} and could not be downloaded")
    assert f"'tfds build {dataset} --file_format=array_record'" in message and "\n" not in message
    assert not (tmp_path / "data").exists() and capfd.readouterr() == ("", "")


def test_a_preparation_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def fail(self, chosen, labelled):
        yield 0, {"image": encoded(IMAGES[0]), "label": 0, "mask": io.BytesIO(b"no image")}
        raise ImportError("No module named 'tensorflow'")

    monkeypatch.setattr(Tiny, "_generate_examples", fail)
    with pytest.raises(
        DataError, match=r"^tiny/fixed is not prepared .* \(.*No module named 'tensorflow'.*\): prepare"
    ):
        open_dataset("tiny/fixed", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"downloads"}


def test_records_that_need_tensorflow_are_one_line(tmp_path):
    open_dataset("digits", tmp_path)
    info = tmp_path / "digits" / "1.0.0" / "dataset_info.json"
    info.write_text(info.read_text().replace("array_record", "tfrecord"))
    with pytest.raises(DataError, match=r"in a format that needs TensorFlow: convert it .* 'tfds convert_format"):
        open_dataset("digits", tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifra10", r"^unknown data set 'cifra10'; did you mean cifar10.*\? \(a TFDS name, a folder, or digits\)$"),
        ("digit", r"did you mean digits"),
        ("nofolder", r"^unknown data set 'nofolder' \(a TFDS name"),
        ("imagenette/160", r"^imagenette has no configuration '160'; did you mean 160px, .*\?"),
        ("cifar10/x", r"^cifar10 has no configuration 'x' \(it has none\)$"),
        ("mnist:9.9.9", r"^cannot open the data set mnist:9\.9\.9 \(.*at version 9\.9\.9"),
        ("imdb_reviews", r"^imdb_reviews is no data set for image classification"),
        ("huggingface:mnist", r"^unknown data set 'huggingface:mnist'"),
        ("no/such/folder", r"^unknown data set 'no/such/folder'"),
        ("/no/such/folder", r"^there is no folder '/no/such/folder'"),
        ("", r"^the data set has no name"),
        ("~nobody-of-this-name/x", r"^~nobody-of-this-name/x: .* no user of that name"),
        ("x" * 5000, r"^cannot read x*.* \(File name too long; .*\)$"),
        ("x\0y", r"^unknown data set 'x\\x00y'"),
        (__file__, r"test_tfds\.py is a file"),
    ],
)
def test_a_name_that_cannot_be_opened_is_one_line(tmp_path, name, message, capfd):
    with pytest.raises(DataError, match=message) as caught:
        open_dataset(name, tmp_path)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir()) and capfd.readouterr() == ("", "")


def test_a_folder_that_tfds_prepared_needs_its_name(data_dir):
    with pytest.raises(DataError, match=r"was prepared by TFDS: pass the data set's name"):
        open_dataset(data_dir)


FEATURE = {"pythonClassName": "a_strangers_module.Feature", "jsonFeature": {"json": "{}"}}
OLD_FEATURE = {"type": "a_strangers_module.Feature", "content": {}}
IN_OWN = {"pythonClassName": f"{tfds.features.FeaturesDict.__module__}.FeaturesDict"}


@pytest.mark.parametrize("stated", [FEATURE, OLD_FEATURE, {**IN_OWN, "featuresDict": {"features": {"image": FEATURE}}}])
def test_a_file_names_no_code_that_is_imported(tmp_path, monkeypatch, stated):
    folder = tmp_path / "data" / "strange" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text(
        '{"name": "strange", "version": "1.0.0", "fileFormat": "array_record", "splits": []}'
    )
    (folder / "features.json").write_text(json.dumps(stated))
    (tmp_path / "a_strangers_module.py").write_text("from pathlib import Path\nPath('ran').write_text('')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match="a_strangers_module"):
        open_dataset("strange", tmp_path / "data")
    assert not (tmp_path / "ran").exists()


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'tensorflow_datasets', 'tensorflow', 'sklearn', 'torch', 'matplotlib', 'grain'}"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, zoo.data; print({heavy} & set(sys.modules))"],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "set()\n", done.stderr
