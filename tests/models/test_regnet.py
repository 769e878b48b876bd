"""RegNet's widths and depths, computed from four numbers, are those of the paper."""

import pytest

import zoo
from zoo.models.regnet import TABLE, quantise_widths


@pytest.mark.parametrize(
    ("name", "depths", "widths"),
    [
        ("regnet_x_400mf", [1, 2, 7, 12], [32, 64, 160, 400]),
        ("regnet_x_3_2gf", [2, 6, 15, 2], [96, 192, 432, 1008]),
        ("regnet_y_8gf", [2, 4, 10, 1], [224, 448, 896, 2016]),
        ("regnet_y_32gf", [2, 5, 12, 1], [232, 696, 1392, 3712]),
    ],
)
def test_stages(name, depths, widths):
    stages = zoo.create_model(name).stages
    assert [depth for depth, _, _ in stages] == depths
    assert [width for _, width, _ in stages] == widths
    assert list(quantise_widths(*TABLE[name][:4]).values()) == depths


def test_what_differs_from_the_paper():
    differing = {name: zoo.model_info(name).differs for name in TABLE if zoo.model_info(name).differs}
    assert set(differing) == {"regnet_x_400mf", "regnet_y_800mf", "regnet_y_8gf"}
    assert differing["regnet_x_400mf"].endswith("the paper's are [32, 64, 160, 384]")
