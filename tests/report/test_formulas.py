"""The page's formulas: the lesson's numbers, each formula's numbers evaluated with Python, and `zoo.count`'s counts."""

import math
import re

import flax.linen as nn
import pytest

import zoo
from zoo.report.architecture.bottleneck import LESSON_BOTTLENECK, find_bottlenecks
from zoo.report.architecture.description import describe_network
from zoo.report.html.script_data import script_data
from zoo.report.layers.counted_network import count_network
from zoo.report.layers.formulas import layer_formulas, window_output_shape
from zoo.report.layers.lesson_convolution import lesson_convolutions
from zoo.report.layers.pooling_examples import lesson_pooling, sample_image_pooling
from zoo.report.layers.sample_image import make_sample_image

NETWORKS = ("lenet5_1998", "alexnet_2012", "googlenet", "resnet18", "mobilenet_v2", "shufflenet_v2_x0_5", "xception")


def network(name):
    model = zoo.create_model(name)
    return count_network(name, model, model.image_shape)


def evaluated(line):
    """The value of a formula's numbers, with floor, products and minus signs written as Python's."""
    plain = line.replace(",", "").replace("×", "*").replace("·", "*").replace("−", "-")
    plain = plain.replace("⌊", "math.floor(").replace("⌋", ")")
    assert re.fullmatch(r"[\d\s+*/().-]+", plain.replace("math.floor", ""))
    return eval(plain, {"math": math})


def number(text):
    return int(text.replace(",", ""))


def test_the_lessons_convolution_under_three_paddings():
    found = {one.padding: one for one in lesson_convolutions()}
    assert [found[name].output for name in ("padding 1", "SAME", "VALID")] == [(14, 14, 20), (16, 16, 20), (13, 13, 20)]
    assert found["padding 1"].result("parameters") == "3,860"
    assert found["padding 1"].result("without sharing") == "756,560"


def test_the_lessons_pools():
    cells = [cell for line in lesson_pooling().windows for cell in line]
    assert [cell.maximum for cell in cells] == ["2.5", "10", "15", "6"]
    assert [cell.mean for cell in cells] == ["1.375", "0.875", "5", "4"]


def test_the_lessons_bottleneck():
    assert (LESSON_BOTTLENECK.direct.macs, LESSON_BOTTLENECK.macs) == (160_563_200, 43_352_064)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_formula_gives_its_result_and_the_results_are_the_counts(name):
    for layer in network(name).layers:
        results = {formula.label: formula.result for formula in layer_formulas(layer)}
        row = layer.row
        if "parameters" in results:
            assert number(results["parameters"]) == row.parameters + row.reused_parameters, row
        if "without sharing" in results:
            assert number(results["without sharing"]) == row.parameters_without_sharing, row
        if "multiply-adds" in results:
            assert number(results["multiply-adds"]) == row.macs, row
        if layer.window:
            assert window_output_shape(layer.window) == row.output_shape[1:]
        for formula in layer_formulas(layer):
            if formula.numbers and formula.label != "output":
                assert evaluated(formula.numbers) == number(formula.result), (row, formula)


def test_a_table_of_connections_has_its_counted_parameters():
    c3 = next(layer for layer in network("lenet5_1998").layers if layer.row.path == "c3")
    results = {formula.label: formula.result for formula in layer_formulas(c3)}
    # LeCun et al. 1998, section II.B.
    assert (results["parameters"], results["without sharing"]) == ("1,516", "151,600")


def test_googlenets_bottlenecks_cost_what_their_layers_cost():
    googlenet = network("googlenet")
    found = find_bottlenecks(googlenet)
    macs = {layer.row.path: layer.row.macs for layer in googlenet.layers if layer.window}
    # One before each 3x3 and 5x5 of nine modules, and conv2's.
    assert len(found) == 18
    first = found[0]
    assert first.macs == macs["inception_3a/3x3_reduce/conv"] + macs["inception_3a/3x3/conv"]
    assert first.direct.macs == 28 * 28 * 128 * 3 * 3 * 192


def test_a_residual_bottleneck_goes_back_to_its_depth():
    found = next(one for one in find_bottlenecks(network("resnet50")) if one.name.startswith("conv2_2"))
    # He et al. 2015, Table 1: 1x1x64, 3x3x64, 1x1x256 on 56x56x256.
    assert [formula.macs for formula in found.convolutions] == [56 * 56 * n for n in (64 * 256, 64 * 9 * 64, 256 * 64)]
    assert found.direct.macs == 56 * 56 * 256 * 9 * 256


def test_pooling_takes_the_maximum_and_the_mean_of_the_images_pixels():
    grey = make_sample_image((224, 224, 3)).grey
    pool = sample_image_pooling(network("googlenet"), grey)
    top, left = (int(n) for n in re.search(r"rows (\d+) to \d+ and columns (\d+)", pool.about).groups())
    for line in pool.windows:
        for cell in line:
            window = grey[top + cell.row :, left + cell.column :][:3, :3]
            assert cell.maximum == str(window.max())
            assert float(cell.mean) == pytest.approx(window.mean(), abs=0.051)


class Twice(nn.Module):
    """A convolution that is called again on its own output."""

    @nn.compact
    def __call__(self, x):
        conv = nn.Conv(3, (3, 3))
        return conv(conv(x))


def test_the_script_knows_which_layers_follow_the_formulas():
    lenet, twice = zoo.create_model("lenet5_1998"), Twice()
    data = script_data(describe_network("lenet5_1998", lenet, lenet.image_shape))["layers"]
    by_formula = {
        layer.row.path: data[layer.index]["by_formula"] for layer in network("lenet5_1998").layers if layer.window
    }
    # LeCun et al. 1998, section II.B: subsampling has weights, and C3 a table of connections.
    assert by_formula == {"c1/conv": True, "s2": False, "c3": False, "s4": False, "c5/conv": True}
    assert [layer["by_formula"] for layer in script_data(describe_network("twice", twice, (8, 8, 3)))["layers"]] == [
        True,
        False,
    ]


def test_a_table_of_connections_has_a_bias():
    c3 = next(layer for layer in network("lenet5_1998").layers if layer.row.path == "c3")
    assert c3.window.bias
