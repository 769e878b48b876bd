"""Weights files that Keras writes, and models of a session in which Keras has already numbered other layers."""

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
