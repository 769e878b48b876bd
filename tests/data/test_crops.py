"""Random crops: how boxes are distributed, what is cut out of a file, and that the place in the run decides them."""

import io
from itertools import islice

import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.stats import chi2_contingency, chisquare

from zoo.data import DataError, Preprocessing, UnreadableImages, open_dataset, train_batches
from zoo.data.cropping import crop_array, decode_crop, read_example
from zoo.data.crops import Box, RandomCrops
from zoo.data.decoding import decode
from zoo.data.sources.encoded import EncodedSource

RNG = np.random.default_rng(0)
# Smooth, as photographs are.
COARSE = Image.fromarray(RNG.integers(0, 256, (16, 20, 3), np.uint8))
PHOTOGRAPH = COARSE.resize((250, 188), Image.Resampling.BICUBIC)
MODES = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def encoded(image, kind="JPEG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def crops_of(**options):
    return RandomCrops(**{"size": (56, 56), "seed": 3, "smallest": 0.08, **options})


def torchvision_box(rng, height, width, smallest):
    """torchvision's RandomResizedCrop.get_params, with NumPy's random numbers."""
    for _ in range(10):
        area = height * width * rng.uniform(smallest, 1)
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return rng.integers(0, height - h + 1), rng.integers(0, width - w + 1), h, w
    raise AssertionError("no test image is so far from square")


def test_boxes_are_distributed_as_torchvisions():
    rng, crops, count = np.random.default_rng(1), crops_of(), 4000
    ours = np.array([crops.at(place).box(100, 150) for place in range(count)])
    theirs = np.array([torchvision_box(rng, 100, 150, 0.08) for _ in range(count)])
    for values in (
        lambda box: box[:, 2] * box[:, 3],
        lambda box: box[:, 3] / box[:, 2],
        *(lambda b, i=i: b[:, i] for i in (0, 1)),
    ):
        edges = np.unique(np.quantile(values(theirs), np.linspace(0, 1, 13)))[1:-1]
        table = [np.bincount(np.digitize(values(boxes), edges), minlength=len(edges) + 1) for boxes in (ours, theirs)]
        assert chi2_contingency(table).pvalue > 1e-3


def test_flips_and_sides_are_uniform():
    crops = crops_of(smallest=0.0, sides=(60, 63), flip=True)
    drawn = [crops.at(place) for place in range(4000)]
    assert chisquare(np.bincount([crop.flip for crop in drawn])).pvalue > 1e-3
    # The height of a square image that has 56 of its rows in a box says how it was scaled.
    sides = [round(56 * 100 / crop.box(100, 100).height) for crop in drawn]
    assert sorted(set(sides)) == [60, 61, 62, 63] and chisquare(np.bincount(sides)[60:]).pvalue > 1e-3
    offsets = np.array([crop.box(100, 100).top * 60 / 100 for crop in drawn if crop.box(100, 100).height == 56 / 0.6])
    assert chisquare(np.bincount(offsets.round().astype(int), minlength=5)).pvalue > 1e-3


def test_an_image_far_from_square_has_the_central_crop():
    assert crops_of(smallest=1.0).at(0).box(30, 90) == Box(0, 25, 30, 40)


def test_the_place_and_the_seed_decide_a_crop():
    first, again, other_seed = crops_of(), crops_of(), crops_of(seed=4)
    assert first.at(2**40) == again.at(2**40) and first.at(7) != first.at(8)
    assert first.at(7).box(99, 99) != other_seed.at(7).box(99, 99)
    # A change of NumPy's generator would change the crops of resumed runs: it must not go unnoticed.
    assert first.at(5).box(375, 500) == Box(23, 31, 127, 168)


@pytest.mark.parametrize("interpolation", MODES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_crop_is_cut_and_scaled_as_by_pil(kind, interpolation):
    file, crops = encoded(PHOTOGRAPH, kind), crops_of(flip=True, interpolation=interpolation)
    flips = set()
    for place in range(12):
        crop = crops.at(place)
        top, left, height, width = crop.box(188, 250)
        expected = Image.open(io.BytesIO(file)).crop((left, top, left + width, top + height))
        expected = expected.resize((56, 56), MODES[interpolation])
        flips.add(crop.flip)
        np.testing.assert_array_equal(decode_crop(file, crop), ImageOps.mirror(expected) if crop.flip else expected)
    assert flips == {True, False}


@pytest.mark.parametrize("interpolation", MODES)
def test_a_jittered_crop_is_that_of_the_scaled_image(interpolation):
    crops, file = crops_of(smallest=0.0, sides=(60, 90), interpolation=interpolation), encoded(PHOTOGRAPH, "PNG")
    for place in range(12):
        crop = crops.at(place)
        box = crop.box(188, 250)
        side = round(56 * 188 / box.height)
        whole = PHOTOGRAPH.resize((250 * side // 188, side), MODES[interpolation])
        top, left = round(box.top * side / 188), round(box.left * whole.width / 250)
        expected = np.asarray(whole, int)[top : top + 56, left : left + 56]
        assert abs(decode_crop(file, crop) - expected).max() <= 1


def test_a_large_jpeg_is_decoded_at_a_lower_resolution():
    large = encoded(COARSE.resize((1200, 900), Image.Resampling.BICUBIC))
    crops = crops_of(smallest=0.9)
    differences = [
        abs(decode_crop(large, crops.at(place)).astype(int) - crop_array(decode(io.BytesIO(large)), crops.at(place)))
        for place in range(2)
    ]
    assert 0 < np.mean(differences) < 0.3 and np.max(differences) <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("sides", [None, (60, 90)])
def test_a_crop_is_upright(orientation, sides):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("JPEG", "PNG", "TIFF"):
        file, crops = encoded(PHOTOGRAPH, kind, exif=exif), crops_of(sides=sides, flip=True)
        for place in range(3):
            expected = crop_array(decode(io.BytesIO(file)), crops.at(place)).astype(int)
            # PIL rounds after each axis, and a turned image has its axes in the other order.
            assert abs(decode_crop(file, crops.at(place)) - expected).max() <= 1


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (PHOTOGRAPH.convert("L"), "JPEG"),
        (PHOTOGRAPH.convert("CMYK"), "JPEG"),
        (PHOTOGRAPH.convert("P"), "GIF"),
        (PHOTOGRAPH.convert("RGBA"), "PNG"),
        (PHOTOGRAPH.convert("LA"), "PNG"),
        (Image.fromarray(np.asarray(PHOTOGRAPH.convert("L"), np.uint16) * 257), "PNG"),
    ],
    ids=["grey", "cmyk", "palette", "alpha", "grey with alpha", "16 bits"],
)
def test_other_images_are_cropped_as_they_are_decoded(image, kind):
    file, crop = encoded(image, kind), crops_of().at(1)
    expected = crop_array(decode(io.BytesIO(file)), crop)
    assert expected.shape == (56, 56, 1 if "L" in image.mode or "I" in image.mode else 3)
    np.testing.assert_array_equal(decode_crop(file, crop), expected)


@pytest.fixture
def folder(tmp_path):
    for number in range(20):
        path = tmp_path / f"class{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        PHOTOGRAPH.rotate(number).save(path)
    return tmp_path


PREPROCESSING = Preprocessing(image_shape=(56, 56, 3), mean=(0.5,) * 3, std=(0.25,) * 3)


def batches(source, part=(0, 1), **options):
    crops = crops_of(flip=True)
    return train_batches(source, preprocessing=PREPROCESSING, batch_size=6, seed=1, part=part, crops=crops, **options)


def test_parts_and_resuming_give_the_same_crops(folder, monkeypatch):
    monkeypatch.setattr("zoo.data.read_ahead.CHUNK_IMAGES", 2)
    source = open_dataset(folder).train
    iterator = iter(batches(source))
    whole = [next(iterator)["image"] for _ in range(5)]
    for number in (0, 1):
        part = iter(batches(source, (number, 2)))
        part.set_state({"next_index": 3})
        for batch in whole[3:]:
            np.testing.assert_array_equal(next(part)["image"], batch[3 * number : 3 * number + 3])
    # Another epoch has other crops of the same images.
    assert len({image.tobytes() for batch in whole for image in batch}) == 5 * 6


def test_repeated_images_are_each_cropped_anew_and_parts_and_resuming_change_nothing(folder, monkeypatch):
    monkeypatch.setattr("zoo.data.read_ahead.CHUNK_IMAGES", 2)
    source = open_dataset(folder).train
    once, iterator = (iter(batches(source, repeats=repeats)) for repeats in (1, 4))
    labels = np.concatenate([next(once)["label"] for _ in range(3)])
    whole = [next(iterator) for _ in range(5)]
    # An epoch of 16 images still has two batches of 6, which have the first three images, 4 + 4 + 4.
    np.testing.assert_array_equal(np.concatenate([batch["label"] for batch in whole[:2]]), np.repeat(labels[:3], 4))
    assert len({image.tobytes() for batch in whole for image in batch["image"]}) == 5 * 6
    for number in (0, 1):
        part = iter(batches(source, (number, 2), repeats=4))
        part.set_state({"next_index": 3})
        for batch in whole[3:]:
            np.testing.assert_array_equal(next(part)["image"], batch["image"][3 * number : 3 * number + 3])


def test_the_next_image_is_cropped_in_place_of_one_that_cannot_be_read(folder):
    source = open_dataset(folder).train
    source.path(4).write_bytes(b"no image")
    unreadable = UnreadableImages(1)
    iterator = iter(batches(source, unreadable=unreadable))
    found = [next(iterator) for _ in range(8)]
    assert unreadable.count == 1 and all(batch["image"].any((1, 2, 3)).all() for batch in found)
    with pytest.raises(DataError, match=source.files[4]):
        list(islice(batches(source), 8))


def test_sources_of_encoded_images_cut_crops_from_their_bytes(folder):
    source, crop = open_dataset(folder).train, crops_of().at(0)

    class Store:
        def encoded(self, row):
            return source.path(row).read_bytes()

        def name(self, row):
            return str(row)

    packed = EncodedSource(Store(), np.arange(len(source)), np.array(source.labels), source.files)
    expected = decode_crop(source.path(3).read_bytes(), crop)
    for one in (source, packed):
        np.testing.assert_array_equal(read_example(one, 3, crop)["image"], expected)
