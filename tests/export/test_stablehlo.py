"""StableHLO files compute what the network computes, and say what they are; a file that does not is not written."""

import hashlib
import json
from pathlib import Path

import flax.linen as nn
import jax
import numpy as np
import pytest
from export.small_networks import AlwaysTraining, Flat, Net, Probabilities, TwoOutputs, variables_of
from jax import export

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.export import ExportOptions, stablehlo, to_stablehlo
from zoo.models.user_module.adapted_class import adapted_module
from zoo.models.variables import smallest_image_size
from zoo.weights import load

FILE = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 1), np.uint8)


@pytest.fixture(scope="module")
def weights():
    return load(FILE)


def served(path, images):
    """As a program without zoo does."""
    return jax.device_get(export.deserialize(bytearray(path.read_bytes())).call(images))


def described(path):
    return json.loads(path.with_name(f"{path.name}.json").read_text())


def exported(folder, model, variables=None, image_shape=None, **options):
    path = folder / "net.stablehlo"
    return path, to_stablehlo(model, variables, path, image_shape=image_shape, options=ExportOptions(**options))


@pytest.fixture(scope="module")
def probabilities(tmp_path_factory, weights):
    """A file that takes pixels and gives probabilities, and its `ExportedFile`."""
    return exported(tmp_path_factory.mktemp("pixels"), weights, preprocess="normalize", softmax=True)


def test_pixels_give_the_probabilities_of_predict(probabilities, weights):
    path, _ = probabilities
    found = served(path, PIXELS)["probabilities"]
    for row, predictions in zip(found, weights.predict(list(PIXELS), top=10), strict=True):
        for one in predictions:
            assert row[one.index] == pytest.approx(one.probability, abs=1e-5)


def test_metadata(probabilities, weights):
    path, result = probabilities
    metadata = described(path)
    assert metadata["model"] == "lenet5" and metadata["class_names"] == list(weights.class_names)
    assert metadata["weights_sha256"] == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert metadata["preprocessing"]["mean"] == [0.1307] and "uint8" in metadata["images"]
    assert metadata["input"] == {"shape": ["batch", 32, 32, 1], "dtype": "uint8"}
    assert metadata["outputs"] == {"probabilities": {"shape": ["batch", 10], "dtype": "float32"}}
    assert {"cpu", "cuda", "tpu"} <= set(metadata["platforms"])
    assert {file.name for file in path.parent.iterdir()} == {path.name, *(other.name for other in result.others)}


def test_no_path_of_this_machine_is_in_the_files(probabilities):
    path, _ = probabilities
    for file in path.parent.iterdir():
        assert b".py" not in file.read_bytes() and str(FILE.parent).encode() not in file.read_bytes()


def test_the_check_is_of_two_batches(probabilities):
    _, result = probabilities
    assert result.check.batches == ((1, 32, 32, 1), (2, 32, 32, 1)) and 0 < result.check.relative_error < 1e-5
    assert "relative error" in str(result)


@pytest.mark.slow
def test_features_of_any_size_in_a_fixed_batch(tmp_path, weights):
    path, result = exported(tmp_path, weights, features=["c1", "f6"], any_size=True, batch=2)
    images = np.random.default_rng(2).standard_normal((2, 40, 52, 1), np.float32)
    expected = weights.network().apply(weights.variables, images, capture_intermediates=True)[1]["intermediates"]
    found = served(path, images)
    assert list(found) == ["c1", "f6"]
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name]["__call__"][0], rtol=1e-4, atol=1e-5)
    assert {shape[0] for shape in result.check.batches} == {2} and len(
        {shape[1:3] for shape in result.check.batches}
    ) == 2


def test_features_need_no_later_layers(tmp_path, weights):
    path, _ = exported(tmp_path, weights, features=["c1"])
    assert path.stat().st_size < 20_000


@pytest.mark.parametrize("dtype", ["float16", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_half_precision_is_half_the_size_with_float32_outside(tmp_path, weights, dtype):
    path, result = exported(tmp_path, weights, dtype=dtype)
    assert path.stat().st_size < 0.6 * sum(leaf.nbytes for leaf in jax.tree.leaves(weights.variables))
    images = np.random.default_rng(3).standard_normal((1, 32, 32, 1), np.float32)
    found, expected = served(path, images)["logits"], weights.network().apply(weights.variables, images)
    assert found.dtype == np.float32 and found == pytest.approx(np.asarray(expected), rel=0.1, abs=0.2)
    assert 1e-5 < result.check.relative_error < 0.05


def test_a_linen_module_of_the_user_is_exported_as_in_inference(tmp_path):
    model = Net()
    variables = variables_of(model)
    path, _ = exported(tmp_path, model, variables, (8, 8, 3))
    images = np.random.default_rng(4).standard_normal((4, 8, 8, 3), np.float32)
    expected = model.apply(variables, images, train=False)
    np.testing.assert_allclose(served(path, images)["logits"], expected, rtol=1e-4, atol=1e-5)
    assert described(path)["model"] == "export.small_networks:Net"


def test_several_outputs_have_their_names(tmp_path):
    model = TwoOutputs()
    variables = variables_of(model)
    path, _ = exported(tmp_path, model, variables, (8, 8, 3), any_size=True)
    images = np.random.default_rng(5).standard_normal((2, 9, 11, 3), np.float32)
    found = served(path, images)
    np.testing.assert_allclose(found["logits/map"], model.apply(variables, images)["map"], rtol=1e-4, atol=1e-5)
    with pytest.raises(ZooError, match="softmax"):
        exported(tmp_path, model, variables, (8, 8, 3), softmax=True)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (AlwaysTraining(), {}, ("training", "inference")),
        (Flat(), {"any_size": True}, ("Flat", "shape")),
        (Net(), {"features": ["convx"]}, ("convx", "did you mean conv")),
        (Net(), {"preprocess": "normalize"}, ("preprocessing",)),
        (Net(), {"batch": 2**20}, ("memory",)),
        (Probabilities(), {"softmax": True}, ("probabilities", "leave out softmax")),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, model, options, words):
    monkeypatch.setattr("zoo.models.memory_forecast.device_memory", lambda: 2**30)
    with pytest.raises(ZooError) as error:
        exported(tmp_path, model, variables_of(model), (8, 8, 3), **options)
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_another_dtype_of_a_network_without_that_field_is_refused(tmp_path):
    with pytest.raises(ZooError, match="no field dtype"):
        exported(tmp_path, Flat(), variables_of(Flat()), (8, 8, 3), dtype="float16")


def test_a_kernel_beyond_float16_is_refused(tmp_path):
    variables = variables_of(Net())
    variables = jax.tree.map(lambda leaf: leaf * 1e8 if leaf.ndim == 2 else leaf, variables)
    with pytest.raises(ZooError, match="range of float16"):
        exported(tmp_path, Net(), variables, (8, 8, 3), dtype="float16")


def test_a_file_that_computes_something_else_is_not_put_in_place(tmp_path, monkeypatch):
    variables = variables_of(Net())
    exported(tmp_path, Net(), variables, (8, 8, 3))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(
        stablehlo, "stored_variables", lambda variables, options: jax.tree.map(lambda leaf: leaf * 1.001, variables)
    )
    with pytest.raises(ZooError, match="is not the network"):
        exported(tmp_path, Net(), variables, (8, 8, 3))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_an_interrupted_export_leaves_nothing(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(stablehlo, "_served", fail)
    with pytest.raises((KeyboardInterrupt, MemoryError, ZooError)):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))
    assert not list(tmp_path.iterdir())


def test_a_file_of_more_than_2_gib_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stablehlo, "MAX_FILE", 100)
    with pytest.raises(ZooError, match="2 GiB"):
        exported(tmp_path, Net(), variables_of(Net()), (8, 8, 3))


def test_what_is_given_is_checked(tmp_path, weights):
    path = tmp_path / "net.stablehlo"
    model, variables = Net(), variables_of(Net())
    grey = Preprocessing(image_shape=(8, 8, 1), mean=(0.5,), std=(0.5,))
    for arguments, keywords, words in (
        ((weights, variables, path), {}, "path="),
        ((model, None, path), {"image_shape": (8, 8, 3)}, "variables"),
        (("lenet5", variables, path), {}, "Linen module"),
        ((model, variables, path), {}, "image_shape"),
        ((model, variables, path), {"image_shape": (8, 8, 3), "preprocessing": grey}, "channels"),
        ((model, variables, path), {"image_shape": (8, 8)}, "image_shape"),
        ((weights, None, path), {"image_shape": (2, 2, 1)}, "at least"),
        ((weights, None, path), {"class_names": ("a", "b")}, "2 class names for 10"),
        ((weights, None, tmp_path), {}, "folder"),
        ((weights, None, tmp_path / "none" / "net"), {}, "does not exist"),
        ((weights, None, ""), {}, "path"),
    ):
        with pytest.raises(ZooError, match=words):
            to_stablehlo(*arguments, **keywords)
    assert not list(tmp_path.iterdir())


def test_the_preprocessing_and_names_that_are_given_are_used(tmp_path):
    grey = Preprocessing(image_shape=(8, 8, 3), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    model, variables = Net(), variables_of(Net())
    path = tmp_path / "net.stablehlo"
    options = ExportOptions(preprocess="normalize")
    to_stablehlo(model, variables, path, preprocessing=grey, class_names=tuple("abcde"), options=options)
    pixels = np.random.default_rng(6).integers(0, 256, (1, 8, 8, 3), np.uint8)
    images = (pixels.astype(np.float64) / 255 - grey.mean) / grey.std
    expected = adapted_module(model).apply(variables, images.astype(np.float32))
    np.testing.assert_allclose(served(path, pixels)["logits"], expected, rtol=1e-4, atol=1e-5)
    assert described(path)["class_names"] == list("abcde")


class NoOutput(nn.Module):
    """It forgets to return."""

    @nn.compact
    def __call__(self, x):
        nn.Conv(4, (3, 3), name="conv")(x)
        return {}


@pytest.mark.parametrize(
    ("model", "change", "words"),
    [(NoOutput(), lambda leaf: leaf, "no array"), (TwoOutputs(), str, "str where an array")],
)
def test_what_is_no_network_is_one_line(tmp_path, model, change, words):
    variables = jax.tree.map(change, variables_of(model))
    with pytest.raises(ZooError, match=words):
        to_stablehlo(model, variables, tmp_path / "net.hlo", image_shape=(8, 8, 3))
    assert not list(tmp_path.iterdir())


class Resized(nn.Module):
    """Of single pixels there is nothing to resize: JAX divides by 0."""

    @nn.compact
    def __call__(self, x):
        smaller = nn.max_pool(nn.Conv(2, (3, 3), name="conv")(x), (2, 2), (2, 2))
        return jax.image.resize(smaller, (x.shape[0], *x.shape[1:3], 2), "linear").mean((1, 2))


def test_the_smallest_size_of_a_network_that_fails_at_small_ones():
    assert smallest_image_size(Resized()) == 2


@pytest.mark.slow
def test_any_size_of_a_network_that_fails_at_small_ones(tmp_path):
    options = ExportOptions(any_size=True)
    path = tmp_path / "net.stablehlo"
    result = to_stablehlo(Resized(), variables_of(Resized()), path, image_shape=(8, 8, 3), options=options)
    assert result.check.relative_error < 1e-4
