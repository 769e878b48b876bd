"""What an export can be asked for, and how large its error may be."""

import numpy as np
import pytest

from zoo.errors import ZooError
from zoo.export import ExportOptions
from zoo.export.check import max_error, relative_error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 0}, "batch"),
        ({"batch": 2**21}, "batch"),
        ({"batch": 1.5}, "batch"),
        ({"preprocess": "all"}, "preprocess"),
        ({"dtype": "int8"}, "dtype"),
        ({"dtype": ["float32"]}, "dtype"),
        ({"features": "conv1"}, "features"),
        ({"features": ("",)}, "features"),
        ({"features": None}, "features"),
        ({"preprocess": "full", "any_size": True}, "any_size"),
        ({"features": ("conv1",), "softmax": True}, "softmax"),
    ],
)
def test_options_that_are_none(options, words):
    with pytest.raises(ZooError, match=words):
        ExportOptions(**options)


def test_the_same_layer_is_given_once():
    assert ExportOptions(features=["a", "b", "a"]).features == ("a", "b")


def test_the_error_that_is_accepted_follows_the_type():
    accepted = [max_error(ExportOptions(dtype=dtype)) for dtype in ("float32", "float16", "bfloat16")]
    assert accepted == [1e-4, 16 * 2**-10, 16 * 2**-7]


def test_relative_error():
    expected = np.array([[1.0, -4.0]], np.float32)
    assert relative_error(expected, expected) == 0
    assert relative_error(expected + np.float32([[0, 0.5]]), expected) == 0.125
    assert relative_error(expected[0], expected) == np.inf
    assert np.isnan(relative_error(expected * np.nan, expected))
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
