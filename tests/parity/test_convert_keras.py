"""A weights file of Keras's through the command line."""

import os

import numpy as np
import pytest
from networks.originals import build_original

from zoo.__main__ import main
from zoo.weights import open_pretrained, to_keras

os.environ.setdefault("KERAS_BACKEND", "jax")
pytest.importorskip("keras")
pytestmark = pytest.mark.torch


def test_a_keras_file_becomes_ours(tmp_path, capsys):
    original = build_original("resnet50_keras")
    path, ours = tmp_path / "w.weights.h5", tmp_path / "ours.safetensors"
    original.save_weights(path)
    assert main(["convert", str(path), str(ours), "--model", "resnet50_keras"]) == 0
    # Nothing in the file says what its 1000 outputs are.
    assert not open_pretrained("resnet50_keras", ours).class_names
    named = ["--class-names", "imagenet", "--force"]
    assert main(["convert", str(path), str(ours), "--model", "resnet50_keras", *named]) == 0
    found = open_pretrained("resnet50_keras", ours)
    assert len(found.class_names) == 1000
    stored = to_keras("resnet50_keras", found.variables)
    for weight in original.weights:
        np.testing.assert_array_equal(stored[weight.path], np.asarray(weight))

    path.write_bytes(b"damaged")
    assert main(["convert", str(path), str(tmp_path / "other.safetensors"), "--model", "resnet50_keras"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
