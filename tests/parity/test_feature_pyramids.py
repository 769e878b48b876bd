"""The maps of a pyramid are those of timm's `features_only`, with the same weights, indices and output stride."""

import re

import numpy as np
import pytest
from networks.fill import image
from quick import DEEP, family

import zoo
from zoo.runtime.jit_once import jit_once
from zoo.weights import from_torch
from zoo.weights.fold import batch_norms
from zoo.weights.import_torchvision import import_torchvision
from zoo.weights.original_names import TIMM, TIMM_TOO

torch = pytest.importorskip("torch")
from test_originals import assert_close, randomised, without_counters  # noqa: E402

pytestmark = pytest.mark.torch

NAMES = {**TIMM, **TIMM_TOO}
# Their many blocks enlarge rounding errors, torch's to half of a map's tolerance and more: a quarter of the values that
# scale the ends of their branches is taken. Big Transfer's kernels are standardized, whatever their scale.
DAMPED = {"efficientnet_v2": r"\.bn[23]\.weight$", "resnetv2": r"\.norm3\.(weight|bias)$"}
# Of no map a multiple, as images for detectors are.
HEIGHT, WIDTH = 130, 193


def original_maps(name, x, epsilon, output_stride):
    """(the variables of timm's network, its maps, their indices, their strides). Raises as timm where it has no such
    output stride."""
    import_torchvision()
    import timm

    given = {"output_stride": output_stride} if output_stride < 32 else {}
    pyramid = timm.create_model(NAMES[name], features_only=True, **given).eval()
    state = without_counters(randomised(timm.create_model(NAMES[name])).state_dict())
    for prefix, keys in DAMPED.items():
        if name.startswith(prefix):
            state = {key: value / 4 if re.search(keys, key) else value for key, value in state.items()}
    # timm joins the first two parts of some names, and puts others under `body`.
    renamed = {new: value for key, value in state.items() for new in (key, key.replace(".", "_", 1), f"body.{key}")}
    missing = pyramid.load_state_dict(renamed, strict=False).missing_keys
    assert all(key.endswith("num_batches_tracked") for key in missing)
    if name.startswith("mobileone"):
        dilate_mobileone(pyramid, output_stride)
    for module in pyramid.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = epsilon
    with torch.no_grad():
        maps = pyramid(torch.from_numpy(x.copy()).permute(0, 3, 1, 2))
    info = pyramid.feature_info
    maps = [one.permute(0, 2, 3, 1).numpy() for one in maps]
    return from_torch(name, state, "timm"), maps, info.out_indices, info.reduction()


def dilate_mobileone(pyramid, output_stride):
    """timm's block of MobileOne drops the dilation that timm gives it, and its RepVGG's beside it has it.

    So a stage without its stride has kernels that see half of what they were trained for. Here they get that dilation.
    """
    for name, module in pyramid.named_modules():
        if found := re.fullmatch(r"stages[._](\d)\.(\d+)\.conv_kxk\.\d\.conv", name):
            stage, block = map(int, found.groups())
            # The first stage has a stride of 4; the first block of a stage sees the positions of the one before.
            dilation = 2 ** max(0, stage + 2 - output_stride.bit_length() + 1 - (block == 0))
            assert module.dilation == (1, 1)
            if module.kernel_size == (3, 3):
                module.dilation = module.padding = (dilation, dilation)


# Of each family the smallest network, with the output stride that has all dilations, where it has any.
SMALLEST = {family(name): name for name in sorted(NAMES, key=lambda name: -zoo.model_info(name).parameters)}
NOT_DILATED = (
    "vgg",
    "inception_v",
    "inception_resnet",
    "densenet",
    "nasnet",
    "pnasnet",
    "hgnet",
    "hrnet",
    "dpn",
    "dla",
    "ese_vovnet",
    "ghostnet",
    "starnet",
    "fasternet",
)


def not_dilated(name):
    """Xception has max pools, as its elder relatives; Aligned Xception has none."""
    return name.startswith(NOT_DILATED) or name in ("xception", "xception_keras")


CASES = [(name, stride) for name in NAMES for stride in ((32,) if not_dilated(name) else (32, 16, 8))]


def marks(name, output_stride):
    quick = name not in DEEP and name in SMALLEST.values() and output_stride == (32 if not_dilated(name) else 8)
    return [] if quick else [pytest.mark.slow]


@pytest.mark.parametrize(
    ("name", "output_stride"), [pytest.param(*case, id=f"{case[0]}-{case[1]}", marks=marks(*case)) for case in CASES]
)
def test_maps_equal_those_of_timm(name, output_stride):
    # timm's HRNet and DLA take multiples of 32.
    x = image(128, 192) if name.startswith(("hrnet", "dla")) else image(HEIGHT, WIDTH)
    epsilon = next(iter(batch_norms(zoo.create_model(name)).values()), 1e-5)
    variables, theirs, indices, strides = original_maps(name, x, epsilon, output_stride)
    pyramid = zoo.feature_pyramid(name, indices, output_stride)
    assert list(pyramid.strides) == strides
    maps = jit_once(pyramid.apply)(pyramid.variables_of(variables), x)
    for ours, expected, channels in zip(maps, theirs, pyramid.channels, strict=True):
        assert ours.shape == expected.shape and channels == ours.shape[-1]
        assert_close(np.asarray(ours), expected)


@pytest.mark.parametrize("name", sorted(name for name in SMALLEST.values() if not_dilated(name)))
def test_timm_has_no_output_stride_for_the_others(name):
    with pytest.raises((AssertionError, TypeError)):
        original_maps(name, image(HEIGHT, WIDTH), 1e-5, 16)
