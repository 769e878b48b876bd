"""Live parity: random weights and random batch statistics of each original, converted by `zoo.weights`."""

import jax
import numpy as np
import pytest
from golden.fill import image
from golden.originals import ORIGINALS, build_original
from quick import computed, smallest_of

import zoo
from zoo.weights import from_torch, to_torch

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

FROM_TORCH = [name for name, (source, _) in ORIGINALS.items() if source in ("torchvision", "timm")]


def sizes(name):
    """The network's own size, and two thirds of it or what it needs at least."""
    info = zoo.model_info(name)
    return info.input_size, max(info.input_size * 2 // 3 // 32 * 32, smallest_of(name))


def randomised(model):
    """The torch module with its own initial weights and random batch statistics, scales and shifts."""
    torch.manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.1)
    return model


def check_logits(model, variables, original, x):
    theirs = original(x)
    ours = np.asarray(jax.jit(model.apply)(variables, x))
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize("name", computed(FROM_TORCH))
def test_logits_equal_the_torch_original(name):
    source, original = ORIGINALS[name][0], randomised(build_original(name))
    state = original.state_dict()
    variables = from_torch(name, state, source)

    def forward(x):
        with torch.no_grad():
            return original(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()

    for size in sizes(name):
        check_logits(zoo.create_model(name), variables, forward, image(size, size))

    back = to_torch(name, variables, source)
    assert {key for key in state if not key.endswith("num_batches_tracked")} == set(back)
    for key, value in back.items():
        np.testing.assert_array_equal(value, state[key].numpy(), err_msg=key)
