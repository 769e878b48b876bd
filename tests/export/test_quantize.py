"""Files in int8 are small, are compared with float32 on test images, and are not made where that cannot be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from command_line import error_of

from zoo.__main__ import main
from zoo.data import DataError, UnreadableImages, open_dataset
from zoo.data.dataset import ArraySource
from zoo.errors import ZooError
from zoo.export import ExportOptions, to_int8_onnx
from zoo.export.dataset_images import labelled_images
from zoo.weights import load

FILE = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"


@pytest.fixture(scope="module")
def weights():
    return load(FILE)


def images_of(weights, count=60, seed=0):
    """A data set in memory whose labels are what the network says, but for every tenth."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 7, 7, 1), np.uint8).repeat(4, 1).repeat(4, 2)
    labels = np.array([found[0].index for found in weights.predict(list(pixels), top=1)], np.int32)
    labels[::10] = (labels[::10] + 1) % 10
    source = ArraySource(pixels, labels)
    return replace(open_dataset("digits"), name="noise", train=source, test=source, class_names=weights.class_names)


@pytest.fixture(scope="module")
def dataset(weights):
    return images_of(weights)


@pytest.fixture(scope="module")
def quantized(tmp_path_factory, weights, dataset):
    path = tmp_path_factory.mktemp("int8") / "net.onnx"
    return path, to_int8_onnx(weights, dataset, path, options=ExportOptions(preprocess="normalize"))


def test_both_files_are_compared_on_the_test_images(quantized, weights, dataset):
    path, result = quantized
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = np.stack([weights.preprocessing.fitted(image) for image in dataset.test.images])
    classes = session.run(["logits"], {"images": pixels})[0].argmax(1)
    found = result.comparison
    assert found.images == 60 and found.float32_accuracy == 0.9
    assert found.int8_accuracy == pytest.approx((classes == dataset.test.labels).mean())
    assert 0.8 < found.agreement <= 1 and result.check.relative_error < 1e-4
    assert "0.9000" in str(result) and "noise" in str(result)


def test_weights_are_integers_per_channel(quantized):
    path, result = quantized
    model = onnx.load(path)
    arrays = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    kernels = [array for array in arrays.values() if array.dtype == np.int8 and array.ndim == 4]
    scales = [node.input[1] for node in model.graph.node if node.op_type == "DequantizeLinear"]
    assert len(kernels) == 3 and path.stat().st_size < result.float32_bytes / 3
    assert {len(kernel) for kernel in kernels} <= {arrays[name].size for name in scales if name in arrays}


def test_metadata_are_those_of_the_network(quantized, weights):
    properties = {one.key: one.value for one in onnx.load(quantized[0]).metadata_props}
    assert properties["model"] == "lenet5" and "noise" in properties["quantization"]
    assert properties["variables_sha256"] and not [name for name in properties if name.startswith("onnx")]
    assert [file.name for file in quantized[0].parent.iterdir()] == ["net.onnx"]


def test_other_classes_have_no_accuracy(tmp_path, weights, dataset):
    other = replace(dataset, class_names=tuple("abc"))
    result = to_int8_onnx(weights, other, tmp_path / "net.onnx", options=ExportOptions(batch=7), calibration_images=5)
    assert result.comparison.float32_accuracy is None and result.comparison.images == 60
    assert "3 classes" in str(result) and "%" in str(result)


def test_a_file_for_one_batch_size_gets_whole_batches(weights, dataset):
    options, preprocessing = ExportOptions(batch=8, preprocess="normalize"), weights.preprocessing
    batches = list(labelled_images(dataset.test, 20, preprocessing, options))
    assert [len(batch.images) for batch in batches] == [8, 8, 8] and [len(batch.labels) for batch in batches] == [
        8,
        8,
        4,
    ]
    expected = np.stack([preprocessing.fitted(image) for image in dataset.test.images[::3]])
    np.testing.assert_array_equal(np.concatenate([batch.images for batch in batches])[:20], expected)
    np.testing.assert_array_equal(batches[2].images[4:], batches[2].images[:4])
    (normalised,) = labelled_images(dataset.test, 3, preprocessing, ExportOptions())
    np.testing.assert_allclose(normalised.images, weights.preprocess(list(dataset.test.images[::20])), rtol=1e-6)


class Unreadable(ArraySource):
    """The second image is damaged."""

    def __getitem__(self, index):
        if index == 1:
            raise DataError("image 1 is damaged")
        return super().__getitem__(index)


def test_unreadable_images_are_left_out_as_often_as_allowed(tmp_path, weights, dataset):
    source = Unreadable(dataset.test.images, dataset.test.labels)
    damaged = replace(dataset, train=source, test=source)
    with pytest.raises(DataError, match="image 1"):
        to_int8_onnx(weights, damaged, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []
    unreadable = UnreadableImages(1)
    assert to_int8_onnx(weights, damaged, tmp_path / "net.onnx", unreadable=unreadable).comparison.images == 59
    assert unreadable.count == 1


@pytest.mark.parametrize(
    ("options", "changes", "parts"),
    [
        ({"features": ("c1",)}, {}, "features"),
        ({"dtype": "float16"}, {}, "float16"),
        ({"preprocess": "full"}, {}, "preprocess"),
        ({}, {"train": ArraySource(np.zeros((0, 8, 8, 1), np.uint8), np.zeros(0, np.int32))}, "no training images"),
        ({}, {"test": ArraySource(np.zeros((0, 8, 8, 1), np.uint8), np.zeros(0, np.int32))}, "no test images"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_it_is_made(tmp_path, weights, dataset, options, changes, parts):
    with pytest.raises(ZooError, match=parts):
        to_int8_onnx(weights, replace(dataset, **changes), tmp_path / "net.onnx", options=ExportOptions(**options))
    assert list(tmp_path.iterdir()) == []


def test_onnx_runtime_is_needed(tmp_path, weights, dataset, monkeypatch):
    monkeypatch.setattr("zoo.export.quantize.has_runtime", lambda: False)
    with pytest.raises(ZooError, match="pip install onnxruntime"):
        to_int8_onnx(weights, dataset, tmp_path / "net.onnx")


def test_an_error_of_the_quantiser_is_one_line(tmp_path, weights, dataset, monkeypatch):
    import onnxruntime.quantization

    def fail(*arguments, **options):
        raise RuntimeError("no such\ntype")

    monkeypatch.setattr(onnxruntime.quantization, "quantize_static", fail)
    with pytest.raises(ZooError, match="lenet5: no such type"):
        to_int8_onnx(weights, dataset, tmp_path / "net.onnx")
    assert list(tmp_path.iterdir()) == []


def test_flags_that_lack_another(tmp_path, capsys):
    out = str(tmp_path / "net.onnx")
    for arguments, part in (
        (["--to", "onnx", "--quantize", "int8"], "--calibrate"),
        (["--to", "onnx", "--calibrate", "digits"], "--quantize int8"),
        (["--to", "onnx", "--skip-unreadable", "2"], "--skip-unreadable"),
        (["--to", "stablehlo", "--quantize", "int8", "--calibrate", "digits"], "--to onnx"),
        (["--to", "onnx", "--quantize", "int8", "--calibrate", str(tmp_path / "none")], "none"),
    ):
        assert part in error_of(capsys, "export", "--weights", str(FILE), "--out", out, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_command(tmp_path, capsys):
    """The digits are no clothes: their classes have other names."""
    out = tmp_path / "net.onnx"
    arguments = ["--to", "onnx", "--quantize", "int8", "--calibrate", "digits", "--out", str(out)]
    assert not main(["export", "--weights", str(FILE), *arguments])
    assert out.is_file() and "in int8" in capsys.readouterr().out
