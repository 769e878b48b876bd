"""Weights files that Keras writes, and models of a session in which Keras has already numbered other layers."""

import os
import zipfile

import jax
import numpy as np
import pytest

import zoo
from zoo.weights import from_keras

pytestmark = pytest.mark.torch

NAME = "inception_v3_keras"


@pytest.fixture(scope="module")
def original():
    import os

    os.environ["KERAS_BACKEND"] = "jax"
    keras = pytest.importorskip("keras")
    # The second model of the session: its layer numbers continue those of the first.
    keras.applications.InceptionV3(weights=None, classes=5)
    return keras.applications.InceptionV3(weights=None, classes=5, classifier_activation=None)


def test_a_model_of_a_session_with_other_models(original):
    model = zoo.create_model(NAME, num_classes=5)
    variables = from_keras(NAME, original, model=model)
    assert "conv2d/kernel" not in {weight.path for weight in original.weights}
    x = np.random.default_rng(0).uniform(-1, 1, (1, 299, 299, 3)).astype(np.float32)
    ours = jax.jit(model.apply)(variables, x)
    np.testing.assert_allclose(ours, original(x, training=False), atol=1e-4 * float(np.abs(ours).max()))


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5", ".keras"])
def test_files_have_the_arrays_of_the_model(original, tmp_path, suffix):
    path = tmp_path / f"saved{suffix}"
    (original.save_weights if suffix == ".weights.h5" else original.save)(path)
    model = zoo.create_model(NAME, num_classes=5)
    expected, found = (from_keras(NAME, weights, model=model) for weights in (original, path))
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_the_head_can_be_skipped(original):
    found = from_keras(NAME, original, skip="head")
    assert "fc" not in found["params"] and "conv2d_1a_3x3" in found["params"]


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all"])
def test_a_file_of_another_kind_is_an_error_of_one_line(tmp_path, content):
    pytest.importorskip("keras")
    path = tmp_path / "x.weights.h5"
    path.write_bytes(content)
    with pytest.raises(zoo.ZooError, match=r"x\.weights\.h5 is not a weights file of Keras's ResNet50") as error:
        from_keras("resnet50_keras", path)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_file_of_another_network_are_errors(original, tmp_path):
    with pytest.raises(zoo.ZooError, match="there is no file"):
        from_keras(NAME, tmp_path / "none.h5")
    path = tmp_path / "x.weights.h5"
    original.save_weights(path)
    with pytest.raises(zoo.ZooError, match="is not a weights file of Keras's ResNet50"):
        from_keras("resnet50_keras", path)


def written(path, **datasets):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, options in datasets.items():
            if isinstance(options, h5py.ExternalLink):
                file[name] = options
            else:
                file.create_dataset(name, dtype="f4", **options)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
@pytest.mark.parametrize(
    ("datasets", "reason"),
    [
        ({"a": {"shape": (2**20, 2**20), "chunks": (1, 1024)}}, "far more numbers"),  # no chunk is in the file
        ({"a": {"shape": (2**14, 2**14), "chunks": (2**14, 2**14), "compression": "gzip", "fillvalue": 1}}, "far more"),
        ({f"a{i}": {"shape": (10,)} for i in range(3)}, "lacks 320 of 320 arrays"),
    ],
)
def test_datasets_are_compared_with_the_network_before_they_are_read(tmp_path, suffix, datasets, reason):
    os.environ["KERAS_BACKEND"] = "jax"
    keras = pytest.importorskip("keras")
    path = tmp_path / f"x{suffix}"
    if suffix == ".keras":
        written(tmp_path / "inner.h5", **datasets)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(tmp_path / "inner.h5", "model.weights.h5")
    else:
        written(path, **datasets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "load_weights", lambda *_: pytest.fail("Keras reads it"))
        with pytest.raises(zoo.ZooError, match=reason) as error:
            from_keras("resnet50_keras", path)
    assert "\n" not in str(error.value)


def test_files_that_are_too_large_are_not_opened(tmp_path):
    (tmp_path / "x.h5").touch()
    os.truncate(tmp_path / "x.h5", 2**40)
    with (
        zipfile.ZipFile(tmp_path / "x.keras", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("model.weights.h5", "w") as entry,
    ):
        for _ in range(700):
            entry.write(bytes(2**20))
    for name in ("x.h5", "x.keras"):
        with pytest.raises(zoo.ZooError, match="bytes"):
            from_keras("resnet50_keras", tmp_path / name)


def test_links_to_other_files_are_not_followed(tmp_path):
    h5py = pytest.importorskip("h5py")
    os.mkfifo(tmp_path / "pipe")
    written(tmp_path / "x.weights.h5", layers=h5py.ExternalLink(str(tmp_path / "pipe"), "/"))
    for name in ("x.weights.h5", "pipe"):
        with pytest.raises(zoo.ZooError, match=r"arrays of the network|a pipe"):
            from_keras("resnet50_keras", tmp_path / name)
