"""Which networks the default test run computes with (`-m slow` has the others), and traces that all tests share."""

import os
from functools import cache

import jax
import pytest
from networks.fill import fill

import zoo
from zoo.models.variables import init_shapes, smallest_image_size

# Whether programs are compiled as users run them (conftest.py says when).
OPTIMIZED = bool(os.environ.get("ZOO_TESTS_OPTIMIZED"))


def family(name: str) -> str:
    """The file that a network comes from."""
    build = zoo.model_info(name).build
    return getattr(build, "func", build).__module__


def quick_models() -> set[str]:
    """The network of each family with the fewest parameters, GoogLeNet, and a ResNet for large images."""
    return {*smallest(zoo.list_models()), "googlenet", "resnet18"}


def smaller_half(names: list[str]) -> set[str]:
    """Of each family the half with fewer parameters: the others repeat its blocks more often, and take longest."""
    families: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: zoo.model_info(name).parameters):
        families.setdefault(family(name), []).append(name)
    return {name for members in families.values() for name in members[: (len(members) + 1) // 2]}


def smallest(names: list[str]) -> set[str]:
    """Of each family the network with the fewest parameters."""
    first: dict[str, str] = {}
    for name in sorted(names, key=lambda name: zoo.model_info(name).parameters):
        first.setdefault(family(name), name)
    return set(first.values())


QUICK = quick_models()
# Deep networks take long to compile, and many parameters long to fill: of a family whose smallest network takes over
# three seconds of CPU time the default run has the logits, all else is tested at night.
DEEP = {
    *("inception_resnet_v2_keras", "inception_v4", "pyramidnet110_48", "ghostnet_100", "fbnetc_100", "rexnet_100"),
    *("mobilenet_v4_conv_small", "mixnet_s", "regnetz_b16", "mobileone_s1", "dpn68", "eca_nfnet_l0", "cspresnext50"),
    *("res2next50", "xception", "xception41", "hrnet_w18_small", "starnet_s1"),
    "inception_resnet_v2",
}
MAX_FILLED = 65_000_000
# NASNet's cells take 15 seconds of CPU time to compile, also for its smallest network.
QUICK_TO_FILL = {name for name in QUICK if zoo.model_info(name).parameters <= MAX_FILLED} - {"nasnet_mobile_keras"}
QUICK_TO_COMPUTE = QUICK_TO_FILL - DEEP
# The kinds of layers, one network each, for tests that compile more than a forward pass: a new family adds none.
KINDS = {"lenet5_1998", "alexnet_2012", "squeezenet1_1", "googlenet", "resnet18", "mobilenet_v2_050"}
# A step of training takes longer to compile, most of all for deep networks.
QUICK_TO_TRAIN = {"lenet5", "lenet5_1998", "nin_cifar10", "googlenet", "resnet18"}
# CI counts the smaller half of each family at every change too.
QUICK_TO_COUNT = KINDS | {"alexnet", "vgg11", "convnext_atto", "densenet_40_12", "inception_v2", "shufflenet_v2_x0_5"}
# Looking for the smallest image traces a network a dozen times: kinds of stems and poolings, one each.
QUICK_TO_TRACE = {"lenet5", "alexnet", "vgg11", "googlenet", "resnet18", "mobilenet_v2"}


def computed(names: list[str], quick: set[str] = QUICK) -> list:
    """The names as parameters of a test that computes: all but the quick ones are marked slow.

    Of each family the larger half is for the night.
    """
    slow = smaller_half(names)
    marks = {name: [pytest.mark.slow] if name in slow else [pytest.mark.slow, pytest.mark.nightly] for name in names}
    return [pytest.param(name, marks=[] if name in quick else marks[name]) for name in names]


@cache
def shapes_of(name: str):
    """The shapes of a network's variables at its own image size."""
    return init_shapes(zoo.create_model(name))


@cache
def summary_of(name: str) -> zoo.count.Summary:
    """All counts of a network at its own image size."""
    model = zoo.create_model(name)
    return zoo.count.summarize(model, (1, *model.image_shape))


def drawn(model, image_shape):
    """The network's variables, drawn by NumPy: `zoo.init` takes longer to compile than most tests to run."""

    def draw(path, leaf):
        return fill(jax.tree_util.keystr(path, simple=True, separator="/"), leaf.shape, outputs_first=False)

    return jax.tree.map_with_path(draw, init_shapes(model, image_shape))


def small_size_of(name: str) -> int:
    """An image size that is quick to train with: batch norm needs more than the one position of the smallest image."""
    return min(max(smallest_of(name), 64), zoo.model_info(name).input_size)


@cache
def smallest_of(name: str) -> int:
    """The smallest image size that a network accepts."""
    return smallest_image_size(zoo.create_model(name), zoo.model_info(name).channels)
