"""Initial values of the networks that no library has, against their papers and Caffe files; the loss at the start.

`tests/parity/test_originals_at_the_start.py` compares the other networks with their originals.
"""

import math
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from networks.originals import ORIGINALS
from quick import computed, small_size_of

import zoo
from zoo.layers import Conv, Dense
from zoo.models.lenet import C3_INPUTS
from zoo.models.resnet import ResNet

NORMAL, UNIFORM, CUT_OFF = 3.0, 1.8, 2.37  # the kurtosis of a distribution; the last is cut off at two deviations


def normal(deviation):
    return NORMAL, lambda fan_in: deviation


def uniform(numerator, power=0.5):
    """Uniform in +-numerator / fan_in ** power."""
    return UNIFORM, lambda fan_in: numerator / fan_in**power / math.sqrt(3)


XAVIER = uniform(math.sqrt(3))  # Caffe's: the fan-in alone
RULE_OF_1998 = uniform(2.4, power=1)  # LeCun et al. 1998, Appendix A
# He et al. 2015 (arXiv:1502.01852); torch's default of the linear layer, whose bias has the bounds of its kernel.
HE = (
    ("fc/kernel", uniform(1.0)),
    ("fc/bias", None),
    (".*/kernel", (NORMAL, lambda fan_in: math.sqrt(2 / fan_in))),
    (".*/scale", 1.0),
    (".*/bias", 0.0),
)
# Per network: patterns of parameters, in order, with their distribution or their constant.
PUBLISHED = {
    "lenet5": ((".*/kernel", XAVIER), (".*/bias", 0.0)),  # Caffe's lenet_train_test.prototxt
    "lenet5_1998": (
        ("s[24]/coefficient", (UNIFORM, lambda _: 2.4 / 4 / math.sqrt(3))),
        ("c3/kernel", None),  # below
        (".*/kernel", RULE_OF_1998),
        (".*/bias", 0.0),
    ),
    # Krizhevsky et al. 2012, section 5.
    "alexnet_2012": ((".*/kernel", normal(0.01)), ("(conv[245]/conv|fc[67])/bias", 1.0), (".*/bias", 0.0)),
    "zfnet": ((".*/kernel", normal(0.01)), (".*/bias", 0.0)),  # Zeiler and Fergus 2013, section 3
    # Caffe model zoo: nin_imagenet and nin_cifar10.
    "nin": (("(conv1|conv3|cccp8)/.*kernel", normal(0.01)), (".*/kernel", normal(0.05)), (".*/bias", 0.0)),
    "nin_cifar10": ((".*/kernel", normal(0.05)), (".*/bias", 0.0)),
    # Caffe: bvlc_googlenet.
    "googlenet": ((".*/kernel", XAVIER), (".*classifier/bias", 0.0), (".*/bias", 0.2)),
    "inception_v2": ((".*/kernel", XAVIER), (".*/bias", 0.0), (".*/scale", 1.0)),
    "inception_v2_caffe": ((".*/kernel", XAVIER), (".*/bias", 0.0), (".*/scale", 1.0)),
    # torch's default, but for identities (below).
    **dict.fromkeys(
        ("airbench94", "airbench95", "airbench96"),
        (
            ("head/kernel", uniform(1.0)),
            ("block./conv./kernel", None),
            ("whiten/kernel", uniform(1.0)),
            (".*/bias", 0.0),
        ),
    ),
    **{name: HE for name, (library, _) in ORIGINALS.items() if library == "pytorchcv"},
    # He et al. 2015, as TensorFlow draws it.
    "googlenet_bn": (
        ("(loss./)?.*(fc|classifier)/kernel", (CUT_OFF, lambda fan_in: 1 / math.sqrt(fan_in))),
        (".*/kernel", (CUT_OFF, lambda fan_in: math.sqrt(2 / fan_in))),
        (".*/bias", 0.0),
        (".*/scale", 1.0),
    ),
}
QUICK = {"lenet5", "lenet5_1998", "nin_cifar10"}


def initial_parameters(name):
    model = zoo.create_model(name, **({"aux_heads": True} if name.startswith("googlenet") else {}))
    leaves = jax.tree.leaves_with_path(zoo.init(model, jax.random.key(0))["params"])
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf, np.float64) for path, leaf in leaves
    }


@pytest.mark.parametrize("name", computed(list(PUBLISHED), QUICK))
def test_initial_values_are_those_of_the_paper_or_its_caffe_release(name):
    for path, values in initial_parameters(name).items():
        expected = next(expected for pattern, expected in PUBLISHED[name] if re.fullmatch(pattern, path))
        if isinstance(expected, float):
            assert (values == np.float32(expected)).all(), path
        elif expected is not None:
            assert_distributed(values, *expected, path)


def assert_distributed(values, kurtosis, deviation_of, path):
    """Within 5 %, or within five standard errors where there are fewer than 5,000 values."""
    deviation = deviation_of(math.prod(values.shape[:-1]))
    ratio = math.sqrt((values**2).mean()) / deviation
    assert abs(ratio - 1) < max(0.05, 5 / math.sqrt(2 * values.size)), path
    found = (values**4).mean() / (values**2).mean() ** 2
    assert abs(found - kurtosis) < max(0.1, 5 * math.sqrt(24 / values.size)), path


@pytest.mark.parametrize("name", ["airbench94", "airbench96"])
def test_convolutions_start_as_the_identity_of_their_input(name):
    """airbench94.py, `Conv.reset_parameters`: as many features as there are channels; the others are torch's."""
    for path, kernel in initial_parameters(name).items():
        if "conv" in path:
            x = np.random.default_rng(0).normal(size=(1, 5, 5, kernel.shape[2])).astype(np.float32)
            channels = x.shape[-1]
            y = zoo.layers.conv(x, kernel, padding=1)
            np.testing.assert_array_equal(y[..., :channels], x)
            if kernel.shape[3] > channels:
                assert_distributed(kernel[..., channels:], *uniform(1.0), path)


def test_connections_of_c3_start_by_the_number_of_inputs_of_their_map():
    """The bound of a map with 3, 4 or 6 inputs is 2.4 / (25 x inputs)."""
    kernel = initial_parameters("lenet5_1998")["c3/kernel"].reshape(25, -1)
    per_map = np.split(kernel, np.cumsum([len(inputs) for inputs in C3_INPUTS])[:-1], axis=1)
    for inputs, values in zip(C3_INPUTS, per_map, strict=True):
        bound = 2.4 / (25 * len(inputs))
        assert 0.9 * bound < np.abs(values).max() <= bound


def test_initializers_of_torch_know_the_kernel_and_the_groups():
    from zoo.initializers import he_normal_group_fan_out, torch_default, torch_default_bias

    x, key = jnp.ones((1, 4, 4, 64)), jax.random.key(0)
    plain = {"kernel_init": torch_default, "bias_init": torch_default_bias}
    for layer, bound in ((Conv(4096, 3, groups=8, **plain), 1 / math.sqrt(72)), (Dense(4096, **plain), 1 / 8)):
        for values in layer.init(key, x)["params"].values():
            assert 0.98 * bound < np.abs(values).max() <= bound
    depthwise = Conv(64, 3, groups=64, kernel_init=he_normal_group_fan_out).init(key, x)["params"]["kernel"]
    # Three standard errors of 576 values: 9 %. Over all groups it would be an eighth.
    assert abs(depthwise.std() / math.sqrt(2 / 9) - 1) < 0.09


def test_residual_branches_can_start_at_zero():
    """Goyal et al. 2017, section 5.1, for any norm: the block is its shortcut at first."""
    small = {"depths": (2, 1, 1, 1), "bottleneck": False, "small_images": True, "image_shape": (8, 8, 3)}
    group_norm = lambda *, train, **fields: nn.GroupNorm(num_groups=1, **fields)  # noqa: E731
    for norm in ({}, {"norm": group_norm}):
        model = ResNet(**small, zero_init_residual=True, **norm)

        def scales(key, model=model):  # without the kernels, which take a second to draw
            params = zoo.init(model, key)["params"]
            return [
                [params[block][conv]["bn"]["scale"] for conv in ("conv1", "conv2")] for block in ("conv2_1", "conv2_2")
            ]

        for first, last in jax.jit(scales)(jax.random.key(0)):
            assert (first == 1).all() and (last == 0).all()


@pytest.mark.parametrize("name", computed(zoo.list_models(), {"lenet5"}))
def test_the_loss_at_the_start_is_that_of_guessing(name):
    """log(classes), for noise of the deviation of ImageNet's pixels: the logits say nothing yet."""
    info, model, size = zoo.model_info(name), zoo.create_model(name), small_size_of(name)
    variables = zoo.init(model, jax.random.key(0), (size, size, info.channels))
    # In the scale that the network takes, such as pixels of 0 to 255.
    x = jax.random.normal(jax.random.key(1), (8, size, size, info.channels)) * 0.226 / np.mean(info.std)
    logits, _ = jax.jit(
        lambda variables, x: model.apply(
            variables, x, train=True, rngs={"dropout": jax.random.key(2)}, mutable=["batch_stats"]
        )
    )(variables, x)
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.arange(8)).mean()
    assert 0.9 < loss / math.log(info.num_classes) < 1.15
