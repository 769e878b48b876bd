"""Every network that a library has starts as that original does: the distribution of each kernel, each constant.

Batch norm has the original's epsilon and momentum too.
"""

import pytest
from initial_values import SIGMAS, common_ratio, differences, made_afresh, original_norms, our_norms
from networks.originals import ORIGINALS
from quick import smaller_half

import zoo

pytest.importorskip("torch")
pytestmark = pytest.mark.torch

# Cadene's port is for inference: what its network was trained from is not in it. pytorchcv's networks for CIFAR start
# from uniform distributions, and not from the papers' normal ones of the same deviation.
WITH_ORIGINAL = [name for name, (library, _) in ORIGINALS.items() if library not in ("cadene", "pytorchcv")]
QUICK = {"squeezenet1_1", "mnasnet0_5", "efficientnet_lite0"}
# The others of a family have the same layers, only more and wider ones.
OTHER_RULES = {
    *("seresnet50", "resnet50_keras", "googlenet_tv", "inception_v3", "inception_v3_keras"),
    *("inception_resnet_v2", "inception_resnet_v2_keras", "mobilenet_v1", "mobilenet_v2", "alexnet"),
    *("efficientnet_v2_s", "mobilenet_v3_large"),
}


def kind(name):
    """The class of a network, and the library that has its original."""
    return type(zoo.create_model(name)), ORIGINALS[name][0]


ONE_OF_EACH_KIND = set({kind(name): name for name in WITH_ORIGINAL}.values())
COMPARED = sorted(smaller_half(WITH_ORIGINAL) | OTHER_RULES | ONE_OF_EACH_KIND)

# What ours takes from the authors' release where the port has torch's 0.1, as in all of its networks.
RELEASED_MOMENTUM = {
    # Google's release: batch_norm_momentum 0.99
    **{f"efficientnet_lite{i}": 0.99 for i in range(5)},
    **{f"efficientnet_b{i}_tf": 0.99 for i in range(8)},
    # The paper, section 6.1.1.
    **{f"mobilenet_v3_{size}_tf": 0.99 for size in ("small", "large")},
}


def test_each_kind_of_network_is_compared_with_each_library():
    assert set(map(kind, COMPARED)) == set(map(kind, WITH_ORIGINAL))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in COMPARED]
)
def test_initial_values_are_distributed_as_those_of_the_original(name):
    try:
        original, theirs, ours = made_afresh(name)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    assert differences(ours, theirs) == []
    mean, error = common_ratio(ours, theirs)
    assert abs(mean) < SIGMAS * error

    norms = our_norms(zoo.create_model(name))
    for path, (epsilon, momentum) in original_norms(name, original, norms).items():
        momentum = RELEASED_MOMENTUM.get(name, momentum)
        assert norms[path] == pytest.approx((epsilon, momentum) if momentum else (epsilon, None), abs=1e-9), path
