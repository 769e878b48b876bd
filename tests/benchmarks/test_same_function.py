"""The check before a measurement that all contenders compute the same: it can fail."""

from dataclasses import replace

import numpy as np
import pytest

IMAGES, CLASSES = 4, 10


def contender(logits, losses=(2.0, 1.0)):
    from workload import Contender

    following = iter(losses)
    return Contender("another", lambda: np.asarray(logits), lambda: next(following))


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(IMAGES, CLASSES)) * 30 + 100


def test_equal_logits_pass_and_different_ones_are_refused(logits):
    from workload import check_same

    found = check_same([contender(logits), contender(logits + 1e-3), contender(logits)], 1e-3)
    assert found == pytest.approx(1e-3 / logits.std(axis=0).mean())
    for other in (logits + 0.1, logits[::-1], np.full_like(logits, np.nan)):
        with pytest.raises(RuntimeError, match="another does not compute"):
            check_same([contender(logits), contender(other)], 1e-3)


def test_logits_that_are_only_a_bias_prove_nothing(logits):
    """As those of torchvision's GoogLeNet with its own initial values, whose activations are 1e-11."""
    from workload import check_same

    bias = np.random.default_rng(1).normal(size=CLASSES) + 1e-11 * logits
    with pytest.raises(RuntimeError, match="proves nothing"):
        check_same([contender(bias), contender(bias)], 1e-3)


@pytest.mark.parametrize("losses", [(2.0, 1.1), (2.1, 1.0), (2.0, 2.0), (np.nan, 1.0)])
def test_another_loss_or_another_update_is_refused(logits, losses):
    from workload import check_same_training

    found = check_same_training([contender(logits), contender(logits, (2.0, 1.001)), contender(logits)], 0.01)
    assert found == pytest.approx(1e-3)
    with pytest.raises(RuntimeError, match="does not train"):
        check_same_training([contender(logits), contender(logits, losses)], 0.01)


def test_a_step_without_effect_proves_nothing(logits):
    from workload import check_same_training

    with pytest.raises(RuntimeError, match="does not change the loss"):
        check_same_training([contender(logits, (2.0, 2.0)), contender(logits, (2.0, 2.0))], 0.01)


def test_kernels_have_the_variance_of_he_and_no_other_value_is_trivial():
    from workload import he_values

    rng = np.random.default_rng(0)
    kernel = he_values(rng, "layer1.0.conv1.weight", np.zeros((64, 32, 3, 3), np.float32))
    assert kernel.var() == pytest.approx(2 / (32 * 9), rel=0.05)
    for key in ("bn1.weight", "bn1.running_var", "features.1.0.layer_scale"):
        scales = he_values(rng, key, np.zeros((96, 1, 1) if "layer_scale" in key else 96, np.float32))
        assert 0.5 <= scales.min() < 0.6 and 1.4 < scales.max() <= 1.5
    assert 0 < np.abs(he_values(rng, "fc.bias", np.zeros(1000, np.float32))).max() < 1


@pytest.mark.torch
@pytest.mark.parametrize("training", [False, True])
def test_the_same_weights_pass_and_a_wrong_one_is_refused(training):
    """A convolution of torch in the middle of the network is other than ours."""
    from contenders import zoo_network
    from torch_contenders import torch_eager
    from workload import check_same, check_same_training, make_workload, tolerances

    workload = make_workload("googlenet_tv", 8, training, image_size=64)
    of_logits, of_losses = tolerances(workload.dtype)
    key = "inception4a.branch2.1.conv.weight"
    wrong = replace(workload, state={**workload.state, key: workload.state[key][::-1].copy()})
    zoo, torch, other = zoo_network(workload), torch_eager(workload), torch_eager(wrong)
    check_same([zoo, torch], of_logits)
    with pytest.raises(RuntimeError, match="does not compute"):
        check_same([zoo, other], of_logits)
    if training:
        check_same_training([zoo, torch], of_losses)
        with pytest.raises(RuntimeError, match="does not train"):
            check_same_training([zoo_network(workload), other], of_losses)
