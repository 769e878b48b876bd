"""How deep networks are, by the numbers that their papers and names state."""

import flax.linen as nn
import pytest

import zoo
from zoo.layers import SqueezeExcite
from zoo.report.layers.counted_network import count_network
from zoo.report.layers.depth import measure_depth


def depth(name):
    model = zoo.create_model(name)
    return measure_depth(count_network(name, model, model.image_shape))


def test_googlenet_is_as_deep_as_its_paper_says():
    """22 layers deep, 27 with pools (Szegedy et al. 2014, section 5); Table 1 has three, nine times six, and one."""
    found = depth("googlenet")
    assert (found.weighted, found.with_pools, found.all_weighted) == (22, 27, 3 + 9 * 6 + 1)


@pytest.mark.parametrize("name, layers", [("alexnet", 8), ("vgg16", 16), ("resnet50", 50)])
def test_depth_is_that_of_the_name_or_the_paper(name, layers):
    """Projections beside residual branches, as in ResNet-50, are not on the longest path."""
    assert depth(name).weighted == layers


@pytest.mark.slow
@pytest.mark.parametrize("name, layers", [("resnet152", 152), ("densenet121", 121), ("mobilenet_v1", 28)])
def test_depth_of_deep_networks(name, layers):
    assert depth(name).weighted == layers


class Gated(nn.Module):
    """Two convolutions, each with a gate, and a dense layer."""

    @nn.compact
    def __call__(self, x):
        for _ in range(2):
            x = SqueezeExcite(2)(nn.Conv(4, (3, 3))(x))
        return nn.Dense(3)(x.mean(axis=(1, 2)))


def test_gates_are_not_on_the_path():
    found = measure_depth(count_network("gated", Gated(), (8, 8, 3)))
    assert (found.weighted, found.with_pools, found.all_weighted) == (3, 3, 7)
