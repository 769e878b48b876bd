"""Headers of safetensors and NumPy files are checked, and compared with the network before numbers are read."""

import hashlib
import json
import os
import random
import tracemalloc
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save, save_file

import zoo
from zoo.weights import open_pretrained
from zoo.weights.read_state_dict import open_state_dict, read_state_dict
from zoo.weights.safetensors_file import MAX_HEADER

BUNDLED = Path(__file__).parents[2] / "checkpoints" / "lenet5-fashion-mnist.safetensors"
F32 = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def safetensors(header, data=bytes(24), length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def refusal(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(zoo.ZooError, match=rf"cannot read .*{path.name}") as error:
            read_state_dict(path)
        assert tracemalloc.get_traced_memory()[1] < len(data) + 16 * 2**20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        safetensors({"a": F32}, length=2**63),
        safetensors({"a": F32}, length=10**6),
        safetensors(b" " * (MAX_HEADER + 1)),
        safetensors(b"[" * 100_000),
        safetensors([1, 2]),
        safetensors({"a": 3}),
        safetensors({"a": F32}, bytes(23)),
        safetensors({"a": F32}, bytes(25)),
        safetensors({"a": {**F32, "shape": [2, 4]}}),
        safetensors({"a": {**F32, "shape": [2**40, 2**40]}}),
        safetensors({"a": {**F32, "shape": [-2, -3]}}),
        safetensors({"a": {**F32, "shape": [2.0, 3]}}),
        safetensors({"a": {**F32, "shape": [True, 6]}}),
        safetensors({"a": {**F32, "shape": "no"}}),
        safetensors({"a": {**F32, "shape": [1] * 99 + [6]}}),
        safetensors({"a": {**F32, "shape": [0, 2**62], "data_offsets": [0, 0]}}, b""),
        safetensors({"a": {**F32, "dtype": "F33"}}),
        safetensors({"a": {**F32, "dtype": None}}),
        safetensors({"a": {**F32, "dtype": []}}),
        safetensors({"a": {**F32, "data_offsets": [0, 23]}}),
        safetensors({"a": {**F32, "data_offsets": [-24, 0]}}),
        safetensors({"a": {**F32, "data_offsets": [0]}}),
        safetensors({"a": {**F32, "data_offsets": [24, 48]}}, bytes(48)),
        safetensors({"a": F32, "b": F32}),
        safetensors({"a": F32, "b": {**F32, "data_offsets": [25, 49]}}, bytes(49)),
        safetensors({"a": {**F32, "more": 1}}),
        safetensors({"a": F32, "__metadata__": {"x": 3}}),
        safetensors({"a": F32, "__metadata__": [3]}),
        safetensors(b'{"a": %b, "a": %b}' % ((json.dumps(F32).encode(),) * 2)),
    ],
)
def test_a_header_that_lies(tmp_path, data):
    refusal(tmp_path / "w.safetensors", data)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ml_dtypes.bfloat16, "i1", "i8", "u2", "?"])
def test_what_safetensors_writes_is_read(tmp_path, dtype):
    arrays = {"b": np.arange(6).reshape(2, 3).astype(dtype), "a": np.ones((), dtype), "none": np.ones((0, 3), dtype)}
    save_file(arrays, tmp_path / "w.safetensors", {"format": "pt"})
    with open_state_dict(tmp_path / "w.safetensors") as (_, stored):
        for key, array in arrays.items():
            assert stored[key].dtype == array.dtype
            np.testing.assert_array_equal(stored[key].read(), array)


def test_changed_bytes_are_one_line_or_other_values(tmp_path):
    data, chance = save({"a": np.ones((2, 3), np.float32), "b": np.ones(2, np.float16)}), random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        changed[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "w.safetensors").write_bytes(changed)
        try:
            read_state_dict(tmp_path / "w.safetensors")
        except zoo.ZooError as error:
            assert "\n" not in str(error)


def test_shapes_are_compared_before_numbers_are_read(tmp_path, monkeypatch):
    """A file of 1 TB, whose holes take no space on the disk, is refused by its header."""
    path, size = tmp_path / "w.safetensors", 2**38
    entry = {"dtype": "F32", "shape": [2**20, 2**18, 1, 1], "data_offsets": [0, 4 * size]}
    path.write_bytes(contents := safetensors({"classifier.1.weight": entry}, b""))
    os.truncate(path, len(contents) + 4 * size)
    monkeypatch.setattr("zoo.weights.safetensors_file.read_numbers", lambda *_: pytest.fail("numbers are read"))
    with pytest.raises(zoo.ZooError, match=r"squeezenet1_1: missing|classifier"):
        open_pretrained("squeezenet1_1", path)


def test_what_expands_is_not_read_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.weights.read_state_dict.MAX_UNCHECKED", 10**4)
    np.savez_compressed(tmp_path / "w.npz", a=np.zeros(10**5, np.uint8))
    with pytest.raises(zoo.ZooError, match="much larger"):
        read_state_dict(tmp_path / "w.npz")


def test_special_files_are_no_weights(tmp_path):
    for suffix in ("safetensors", "npz", "pth"):
        os.mkfifo(tmp_path / f"w.{suffix}")
        (tmp_path / f"folder.{suffix}").mkdir()
        for name, kind in (("w", "pipe"), ("folder", "folder")):
            with pytest.raises(zoo.ZooError, match=rf"cannot read .*{name}\.{suffix}: it is a {kind}"):
                read_state_dict(tmp_path / f"{name}.{suffix}")


def npy(header, data=b""):
    text = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


@pytest.mark.parametrize(
    "entry",
    [
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", bytes(7)),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", bytes(8)),
        npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", bytes(16)),
        npy(b"{" * 100),
        b"no array",
    ],
)
def test_a_numpy_header_that_lies(tmp_path, entry):
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", entry)
    refusal(path, path.read_bytes())


def test_a_file_larger_than_its_network_is_refused_without_being_hashed(tmp_path, monkeypatch):
    """Its SHA-256 would take hours: a terabyte that is a hole in the file takes no place on the disk."""
    own = safe_open(BUNDLED, "numpy")
    size = 2**40
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    path = tmp_path / "large.safetensors"
    path.write_bytes(safetensors({"__metadata__": own.metadata(), "params/c1/conv/kernel": tensor}, b""))
    os.truncate(path, path.stat().st_size + size)
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("the file was hashed"))
    with pytest.raises(zoo.ZooError, match="not the weights of lenet5"):
        zoo.weights.load(path)
