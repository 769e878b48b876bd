"""Files of torch.save are read without torch; hostile ones are refused without code, and without their memory."""

import argparse
import collections
import os
import pickle
import random
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from weights.torch_files import Tensor, legacy_file, zip_file

import zoo
from zoo.weights.read_state_dict import read_state_dict
from zoo.weights.restricted_pickle import MAX_PICKLE

WEIGHT, COUNT = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(3)
STATE = {"fc.weight": WEIGHT, "bn.num_batches_tracked": COUNT}
FORMATS = pytest.mark.parametrize("write", [zip_file, legacy_file])


def tensors(state=STATE):
    return collections.OrderedDict((key, Tensor(array)) for key, array in state.items())


def read(tmp_path, data):
    (tmp_path / "w.pth").write_bytes(data)
    return read_state_dict(tmp_path / "w.pth")


def refusal(tmp_path, data):
    """The one line that refuses a file, at most 16 MB of memory beyond what is in the file."""
    tracemalloc.start()
    try:
        with pytest.raises(zoo.ZooError) as error:
            read(tmp_path, data)
        assert tracemalloc.get_traced_memory()[1] < len(data) + 16 * 2**20
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value) and "w.pth" in str(error.value)
    return str(error.value)


@FORMATS
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "epoch": 3, "best": 0.5, "name": "é", "large": -(2**40), "flag": True},
        lambda state: [argparse.Namespace(lr=0.1, path=Path("a")), {"net": state, "rows": np.ones((2, 2))}],
        lambda state: collections.defaultdict(list, {"model": {"state_dict": state}, "seen": frozenset([1]), 3: None}),
    ],
)
def test_both_formats_in_any_nesting(tmp_path, write, wrap):
    found = read(tmp_path, write(wrap(tensors())))
    assert set(found) == set(STATE)
    for key, array in STATE.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype


@FORMATS
def test_views_have_their_values(tmp_path, write):
    base = np.arange(24, dtype=np.float64)
    views = {"rows": ((2, 3), (6, 1), 4), "transposed": ((3, 4), (1, 3), 0), "empty": ((0, 3), (3, 1), 0)}
    found = read(tmp_path, write({key: Tensor(base, size=size, strides=strides, offset=offset)
                                  for key, (size, strides, offset) in views.items()}))  # fmt: skip
    np.testing.assert_array_equal(found["rows"], [[4, 5, 6], [10, 11, 12]])
    np.testing.assert_array_equal(found["transposed"], np.arange(12).reshape(4, 3).T)
    assert found["empty"].shape == (0, 3)


@FORMATS
@pytest.mark.parametrize(
    "lie",
    [
        {"size": (10**6, 10**6), "strides": (0, 0)},  # a number that is repeated to 4 TB
        {"size": (7,), "strides": (1,)},
        {"size": (2,), "strides": (6,)},
        {"size": (2, 3), "strides": (-3, 1)},
        {"size": (2, 3), "strides": (3,)},
        {"offset": 1},
        {"offset": -1},
        {"count": 10**12},
        {"count": 7},
        {"count": -1},
        {"size": (0, 2**62), "strides": (1, 1)},
        {"size": (1,) * 100, "strides": (1,) * 100},
        {"size": (1.5,), "strides": (1,)},
        {"size": "no"},
    ],
)
def test_a_tensor_that_is_not_in_the_file(tmp_path, write, lie):
    assert "damaged" in refusal(tmp_path, write({"fc.weight": Tensor(WEIGHT, **lie)}))


@FORMATS
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.95])
def test_a_truncated_file(tmp_path, write, keep):
    data = write(tensors())
    assert "cannot read" in refusal(tmp_path, data[: int(len(data) * keep)])


class Malicious:
    def __reduce__(self):
        return os.system, ("touch code_ran",)


class Bomb:
    def __reduce__(self):
        return bytearray, (10**12,)


@FORMATS
def test_nothing_is_run_and_nothing_is_made(tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    assert "would run code (posix.system)" in refusal(tmp_path, write({"a": Malicious()}))
    assert not Path("code_ran").exists()
    found = read(tmp_path, write({"state_dict": tensors(), "bomb": Bomb()}))  # answered with nothing
    assert set(found) == set(STATE)
    assert "damaged" in refusal(tmp_path, pickle.dumps(Malicious()))


def test_archives_of_other_kinds(tmp_path):
    assert "TorchScript" in refusal(tmp_path, zip_file(tensors(), extra=[("archive/code/x.py", b"")]))
    assert "damaged" in refusal(tmp_path, zip_file(tensors(), compression=zipfile.ZIP_DEFLATED))
    assert "damaged" in refusal(
        tmp_path, zip_file(tensors(), extra=[(f"archive/{i:0>60}", b"") for i in range(40_000)])
    )


def test_a_pickle_that_grows_or_nests_without_end(tmp_path):
    for contents in (b"\x80\x02" + b"]" * MAX_PICKLE, b"\x80\x02" + b"]" * 500_000 + b"a" * 499_999 + b"."):
        with zipfile.ZipFile(tmp_path / "w.pth", "w") as file:
            file.writestr("archive/data.pkl", contents)
        with pytest.raises(zoo.ZooError, match=r"damaged|no state dict|not a state dict"):
            read_state_dict(tmp_path / "w.pth")


@FORMATS
def test_damaged_bytes_are_one_line_or_other_values(tmp_path, write):
    """Of any byte that changes, the outcome is a line, or a file as it could have been written."""
    data, chance = write(tensors()), random.Random(0)
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 3))):
            changed[chance.randrange(len(data))] = chance.randrange(256)
        (tmp_path / "w.pth").write_bytes(changed)
        try:
            read_state_dict(tmp_path / "w.pth")
        except zoo.ZooError as error:
            assert "\n" not in str(error)
