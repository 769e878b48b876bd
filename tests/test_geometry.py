"""Padding and sizes, computed by hand."""

import pytest
from plain_layers import IMAGE, random

import zoo
from zoo import geometry, layers


@pytest.mark.parametrize(
    ("size", "window", "arguments", "pads"),
    [
        ((7, 10), 3, {"padding": 1}, ((1, 1), (1, 1))),
        ((7, 10), 3, {"padding": (2, 1)}, ((2, 2), (1, 1))),
        ((7, 10), 3, {"padding": ((0, 1), (2, 3))}, ((0, 1), (2, 3))),
        ((7, 10), 3, {"padding": "VALID"}, ((0, 0), (0, 0))),
        ((224, 224), 7, {"padding": "SAME", "stride": 2}, ((2, 3), (2, 3))),
        ((7, 10), (3, 2), {"padding": "SAME", "dilation": (2, 1)}, ((2, 2), (0, 1))),
        ((112, 112), 3, {"stride": 2, "ceil_mode": True}, ((0, 1), (0, 1))),
        ((7, 10), 3, {"stride": 2, "padding": 1, "ceil_mode": True}, ((1, 1), (1, 2))),
    ],
)
def test_explicit_padding(size, window, arguments, pads):
    assert geometry.explicit_padding(size, window, **arguments) == pads


@pytest.mark.parametrize(
    ("size", "window", "arguments", "expected"),
    [
        ((227, 227), 11, {"stride": 4}, (55, 55)),  # AlexNet's conv1
        ((224, 224), 7, {"stride": 2, "padding": 3}, (112, 112)),  # GoogLeNet's conv1, and its pools
        ((112, 112), 3, {"stride": 2, "ceil_mode": True}, (56, 56)),
        ((14, 14), 3, {"stride": 2, "ceil_mode": True}, (7, 7)),
        ((14, 14), 5, {"stride": 3}, (4, 4)),
        ((7, 10), 3, {"padding": "SAME", "stride": 2}, (4, 5)),
    ],
)
def test_output_size(size, window, arguments, expected):
    assert geometry.output_size(size, window, **arguments) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda x: layers.conv(x, random(9, 3, 4, 5)),
        lambda x: layers.conv(x, random(3, 3, 4, 5), dilation=(4, 1), padding="VALID"),
        lambda x: layers.max_pool(x, (8, 3)),
        lambda x: layers.avg_pool(x, (2, 11)),
        lambda x: layers.max_pool(x, 9, 2, ceil_mode=True),
        lambda x: geometry.output_size(x.shape[1:3], 9, padding=((0, 1), (0, 0))),
    ],
    ids=["conv", "dilated_conv", "max_pool", "avg_pool", "ceil_mode", "output_size"],
)
def test_a_window_that_does_not_fit(call):
    with pytest.raises(geometry.WindowTooLarge, match="7x10") as error:
        call(random(*IMAGE))
    assert isinstance(error.value, zoo.ZooError) and "\n" not in str(error.value)


def test_an_unknown_padding():
    with pytest.raises(zoo.ZooError, match="'same'") as error:
        layers.max_pool(random(*IMAGE), 3, padding="same")
    assert "\n" not in str(error.value)
