"""Reading files of other libraries without torch: safetensors, and what is refused."""

import os

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import zoo
from zoo.weights.keras_file import read_keras
from zoo.weights.read_state_dict import read_state_dict

ARRAYS = {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "fc.bias": np.array([0.5, -2], np.float32)}


def assert_same(found, expected=ARRAYS):
    assert set(found) == set(expected)
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_safetensors(tmp_path):
    save_file(ARRAYS, tmp_path / "w.safetensors")
    assert_same(read_state_dict(tmp_path / "w.safetensors"))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
def test_every_float_becomes_float32(tmp_path, dtype):
    save_file({key: array.astype(dtype) for key, array in ARRAYS.items()}, tmp_path / "w.safetensors")
    found = read_state_dict(tmp_path / "w.safetensors")
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    assert_same(found)


def test_counters_stay_integers(tmp_path):
    save_file({**ARRAYS, "bn.num_batches_tracked": np.array(7)}, tmp_path / "w.safetensors")
    assert read_state_dict(tmp_path / "w.safetensors")["bn.num_batches_tracked"].dtype == np.int64


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_the_keys_are_those_of_the_file(tmp_path, prefix):
    prefixed = {prefix + key: array for key, array in ARRAYS.items()}
    save_file(prefixed, tmp_path / "w.safetensors")
    assert_same(read_state_dict(tmp_path / "w.safetensors"), prefixed)


def test_a_file_of_numpy(tmp_path):
    np.savez(tmp_path / "w.npz", **{key: array.astype(np.float64) for key, array in ARRAYS.items()})
    assert_same(read_state_dict(tmp_path / "w.npz"))
    np.savez(tmp_path / "objects.npz", a=np.array([{}], object))
    for name, keep in (("objects.npz", None), ("w.npz", 100), ("w.npz", 0)):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
        with pytest.raises(zoo.ZooError, match=rf"cannot read .*{name}"):
            read_state_dict(tmp_path / name)


@pytest.mark.parametrize("keep", [0, 4, 50, -1])
def test_a_truncated_file(tmp_path, keep):
    path = tmp_path / "w.safetensors"
    save_file(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(zoo.ZooError, match=r"cannot read .*w\.safetensors"):
        read_state_dict(path)


def test_what_is_no_weights_file(tmp_path):
    with pytest.raises(zoo.ZooError, match="there is no file"):
        read_state_dict(tmp_path / "missing.safetensors")
    (tmp_path / "w.txt").write_bytes(b"")
    with pytest.raises(zoo.ZooError, match=r"w\.txt .*\.safetensors, .*\.pth"):
        read_state_dict(tmp_path / "w.txt")
    save_file({}, tmp_path / "w.safetensors")
    with pytest.raises(zoo.ZooError, match="holds no tensors"):
        read_state_dict(tmp_path / "w.safetensors")


def test_an_empty_backend_of_keras_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    (tmp_path / "w.h5").write_bytes(b"none")
    with pytest.raises(zoo.ZooError, match=r"w\.h5"):
        read_keras("resnet50_keras", tmp_path / "w.h5", zoo.create_model("resnet50_keras"))
    assert os.environ["KERAS_BACKEND"] == "jax"
