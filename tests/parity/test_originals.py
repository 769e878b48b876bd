"""Every network that another library has is compared with that original, with random weights and statistics.

`zoo.weights` converts the weights of the original. The logits are equal at the image size of the network and at another
size; converted back, the arrays are those of the original, bit for bit.
"""

import numpy as np
import pytest
from networks.fill import image
from networks.originals import ORIGINALS, build_keras, build_original, is_divided_by_4
from quick import DEEP, QUICK, computed, smallest, smallest_of

import zoo
from zoo.runtime.jit_once import jit_once
from zoo.weights import from_keras, from_torch, reparametrize, to_keras, to_torch
from zoo.weights.keras import PREPROCESSING
from zoo.weights.key_maps import KEY_MAPS, find_key_map
from zoo.weights.original_names import KERAS, KERAS_TOO, TIMM_TOO

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

FROM_KERAS = [name for name, (library, _) in ORIGINALS.items() if library == "keras"]
REPARAMETERIZED = sorted(smallest([name for name, known in KEY_MAPS.items() if "timm_reparameterized" in known]))
FROM_TORCH = [name for name in ORIGINALS if name not in FROM_KERAS]


def sizes(name):
    """The image size of the network, and a smaller one that is not square: two thirds, or the smallest possible."""
    size = zoo.model_info(name).input_size
    if ORIGINALS[name][0] in ("cadene", "pytorchcv"):
        # The last pool is 7x7 or 8x8 for all image sizes.
        return ((size, size),)
    smaller = max(size * 2 // 3 // 32 * 32, smallest_of(name))
    return (size, size), (smaller, smaller + 32)


def original_of(name):
    try:
        return build_original(name)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def randomised(model, name=""):
    """The torch module with its initial weights and random batch statistics, scales and biases of batch norms.

    Variances and scales are near one: with values from 0.5 to 1.5, torch's float32 logits of deep networks differ by
    5e-5 from its float64 logits. For the same reason those are damped that `networks.originals` names for our network.
    """
    torch.manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.7, 1.3)
                module.weight.uniform_(0.7, 1.3)
                module.bias.normal_(0, 0.1)
        for key, value in model.named_parameters():
            if is_divided_by_4(name, key):
                value.div_(4)
    return model


def torch_logits(model, x):
    with torch.no_grad():
        return model(torch.from_numpy(x.copy()).permute(0, 3, 1, 2)).numpy()


def without_counters(state):
    """The state dict without `num_batches_tracked`, which are not weights."""
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


def assert_same_arrays(ours, theirs):
    assert set(ours) == set(theirs)
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], np.asarray(value), err_msg=key)


def assert_close(ours, theirs):
    assert np.isfinite(theirs).all() and theirs.std() > 0
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


# The larger networks of a family have the same layers as the others, only more and wider ones.
LIVE = (QUICK | smallest(FROM_TORCH)) - DEEP
LIVE_KERAS = (smallest(FROM_KERAS) | smallest(list(KERAS_TOO))) - DEEP


@pytest.mark.parametrize("name", computed(FROM_TORCH, LIVE))
def test_logits_equal_the_torch_original(name):
    library, original = ORIGINALS[name][0], randomised(original_of(name), name)
    state = without_counters(original.state_dict())
    variables = from_torch(name, state, library)
    assert_same_arrays(to_torch(name, variables, library), state)

    forward = jit_once(zoo.create_model(name).apply)
    for size in sizes(name):
        x = image(*size)
        theirs = torch_logits(original, x[..., ::-1] if find_key_map(name, library).bgr else x)
        assert_close(np.asarray(forward(variables, x)), theirs)


@pytest.mark.parametrize("name", computed([*FROM_KERAS, *KERAS_TOO], LIVE_KERAS))
def test_logits_equal_the_keras_original(name):
    pytest.importorskip("keras")
    original = build_keras((KERAS | KERAS_TOO)[name])
    weights = [weight for weight in original.weights if not PREPROCESSING.fullmatch(weight.path)]
    rng = np.random.default_rng(0)
    for weight in weights:
        if len(weight.shape) == 1:
            low, high = (0.7, 1.3) if weight.path.endswith(("gamma", "moving_variance")) else (-0.1, 0.1)
            weight.assign(rng.uniform(low, high, weight.shape))
    variables = from_keras(name, original)
    assert_same_arrays(to_keras(name, variables), {weight.path: np.asarray(weight) for weight in weights})

    forward = jit_once(zoo.create_model(name).apply)
    # A Keras model has a fixed image size.
    size = original.input_shape[1]
    x = image(size, size)
    theirs = x[..., ::-1] if find_key_map(name, "keras").bgr else x
    # Keras's EfficientNet takes pixels in 0..255, and normalises them with the mean and deviation that it has learned.
    theirs = 255 * theirs if len(weights) < len(original.weights) else theirs
    assert_close(np.asarray(forward(variables, x)), np.asarray(original(theirs, training=False)))


@pytest.mark.parametrize("name", computed(list(TIMM_TOO)))
def test_logits_of_timm_equal_those_of_torchvision(name):
    """Torchvision's weights, converted to ours and then to timm's: the logits equal torchvision's."""
    original = randomised(original_of(name))
    timm = pytest.importorskip("timm")
    variables = from_torch(name, original.state_dict(), "torchvision")
    state = to_torch(name, variables, "timm")
    # All weights are loaded, so torch's slow initialization is skipped.
    with torch.device("meta"):
        other = timm.create_model(TIMM_TOO[name], pretrained=False).eval()
    other.to_empty(device="cpu")
    other.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state.items()}, strict=False)
    assert set(state) == set(without_counters(other.state_dict()))
    for module in other.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = next(m.eps for m in original.modules() if isinstance(m, torch.nn.BatchNorm2d))

    x = image(*sizes(name)[1])
    assert_close(torch_logits(other, x), torch_logits(original, x))
    assert_same_arrays(to_torch(name, from_torch(name, state, "timm"), "timm"), state)


@pytest.mark.parametrize("name", REPARAMETERIZED)
def test_reparameterized_weights_of_timm(name):
    """Their logits are equal, read and written; and ours, joined here, are those of timm's in timm's joined network."""
    model = randomised(original_of(name))
    variables = from_torch(name, model.state_dict())
    timm = pytest.importorskip("timm")
    joined = timm.utils.reparameterize_model(model)
    x = image(64, 96)
    expected = torch_logits(joined, x)

    state = without_counters(joined.state_dict())
    found = from_torch(name, state)
    network, ours = reparametrize(zoo.create_model(name), variables)
    assert_close(np.asarray(jit_once(network.apply)(found, x)), expected)
    assert_same_arrays(to_torch(name, found, "timm_reparameterized"), state)
    joined.load_state_dict(
        {key: torch.from_numpy(np.array(one)) for key, one in to_torch(name, ours, "timm_reparameterized").items()}
    )
    assert_close(torch_logits(joined, x), expected)


def test_all_networks_of_both_libraries_are_compared():
    both = {name for name, by_library in KEY_MAPS.items() if {"torchvision", "timm"} <= set(by_library)}
    assert set(TIMM_TOO) == both


def test_all_networks_of_keras_are_compared():
    assert {*KERAS, *KERAS_TOO} == {name for name, by_library in KEY_MAPS.items() if "keras" in by_library}
