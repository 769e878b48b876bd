"""The page's formulas: the lesson's numbers, each worked line done again in plain arithmetic, and `zoo.count`'s."""

import math
import re

import flax.linen as nn
import pytest

import zoo
from zoo.report.architecture.bottleneck import LESSON, bottlenecks
from zoo.report.architecture.description import described
from zoo.report.layers.formulas import output_shape, worked
from zoo.report.layers.layers import counted
from zoo.report.layers.lesson_example import lesson_example
from zoo.report.layers.pooling import lesson_pool, sample_pool
from zoo.report.layers.sample_image import sample
from zoo.report.layers.script_data import script_data

NETWORKS = ("lenet5_1998", "alexnet_2012", "googlenet", "resnet18", "mobilenet_v2", "shufflenet_v2_x0_5", "xception")


def network(name):
    model = zoo.create_model(name)
    return counted(name, model, model.image_shape)


def computed(line):
    """A worked line with Python's arithmetic: its floor, products and minus put as Python writes them."""
    plain = line.replace(",", "").replace("×", "*").replace("·", "*").replace("−", "-")
    plain = plain.replace("⌊", "math.floor(").replace("⌋", ")")
    assert re.fullmatch(r"[\d\s+*/().-]+", plain.replace("math.floor", ""))
    return eval(plain, {"math": math})


def number(text):
    return int(text.replace(",", ""))


def test_the_lessons_convolution_under_three_paddings():
    found = {one.name: one for one in lesson_example()}
    assert [found[name].output for name in ("padding 1", "SAME", "VALID")] == [(14, 14, 20), (16, 16, 20), (13, 13, 20)]
    assert found["padding 1"].result("parameters") == "3,860"
    assert found["padding 1"].result("without sharing") == "756,560"


def test_the_lessons_pools():
    cells = [cell for line in lesson_pool().cells for cell in line]
    assert [cell.largest for cell in cells] == ["2.5", "10", "15", "6"]
    assert [cell.mean for cell in cells] == ["1.375", "0.875", "5", "4"]


def test_the_lessons_bottleneck():
    assert (LESSON.direct.macs, LESSON.macs) == (160_563_200, 43_352_064)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_worked_line_gives_its_result_and_the_results_are_those_counted(name):
    for layer in network(name).layers:
        results = {step.label: step.result for step in worked(layer)}
        row = layer.row
        if "parameters" in results:
            assert number(results["parameters"]) == row.parameters + row.reused_parameters, row
        if "without sharing" in results:
            assert number(results["without sharing"]) == row.parameters_without_sharing, row
        if "multiply-adds" in results:
            assert number(results["multiply-adds"]) == row.macs, row
        if layer.window:
            assert output_shape(layer.window) == row.output_shape[1:]
        for step in worked(layer):
            if step.worked and step.label != "output":
                assert computed(step.worked) == number(step.result), (row, step)


def test_a_table_of_connections_is_told_from_the_formula():
    c3 = next(layer for layer in network("lenet5_1998").layers if layer.row.path == "c3")
    results = {step.label: step.result for step in worked(c3)}
    # LeCun et al. 1998, section II.B.
    assert (results["parameters"], results["without sharing"]) == ("1,516", "151,600")


def test_googlenets_bottlenecks_cost_what_their_layers_cost():
    googlenet = network("googlenet")
    found = bottlenecks(googlenet)
    macs = {layer.row.path: layer.row.macs for layer in googlenet.layers if layer.window}
    # One before each 3x3 and 5x5 of nine modules, and conv2's.
    assert len(found) == 18
    first = found[0]
    assert first.macs == macs["inception_3a/3x3_reduce/conv"] + macs["inception_3a/3x3/conv"]
    assert first.direct.macs == 28 * 28 * 128 * 3 * 3 * 192


def test_a_residual_bottleneck_goes_back_to_its_depth():
    found = next(one for one in bottlenecks(network("resnet50")) if one.name.startswith("conv2_2"))
    # He et al. 2015, Table 1: 1x1x64, 3x3x64, 1x1x256 on 56x56x256.
    assert [step.macs for step in found.through] == [56 * 56 * n for n in (64 * 256, 64 * 9 * 64, 256 * 64)]
    assert found.direct.macs == 56 * 56 * 256 * 9 * 256


def test_a_pool_takes_the_largest_and_the_mean_of_the_images_own_pixels():
    grey = sample((224, 224, 3)).grey
    pool = sample_pool(network("googlenet"), grey)
    top, left = (int(n) for n in re.search(r"rows (\d+) to \d+ and columns (\d+)", pool.about).groups())
    for line in pool.cells:
        for cell in line:
            window = grey[top + cell.row :, left + cell.column :][:3, :3]
            assert cell.largest == str(window.max())
            assert float(cell.mean) == pytest.approx(window.mean(), abs=0.051)


class Twice(nn.Module):
    """A convolution that is called again on its own output."""

    @nn.compact
    def __call__(self, x):
        conv = nn.Conv(3, (3, 3))
        return conv(conv(x))


def test_the_script_is_told_whose_parameters_are_the_formulas():
    lenet, twice = zoo.create_model("lenet5_1998"), Twice()
    data = script_data(described("lenet5_1998", lenet, lenet.image_shape))["layers"]
    plain = {layer.row.path: data[layer.index]["plain"] for layer in network("lenet5_1998").layers if layer.window}
    # LeCun et al. 1998, section II.B: subsampling has weights, and C3 a table of connections.
    assert plain == {"c1/conv": True, "s2": False, "c3": False, "s4": False, "c5/conv": True}
    assert [layer["plain"] for layer in script_data(described("twice", twice, (8, 8, 3)))["layers"]] == [True, False]


def test_a_table_of_connections_has_a_bias():
    c3 = next(layer for layer in network("lenet5_1998").layers if layer.row.path == "c3")
    assert c3.window.bias
