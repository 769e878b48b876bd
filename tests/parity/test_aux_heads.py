"""The auxiliary heads of torchvision's networks, which compute only in training."""

from functools import partial

import jax
import pytest

torch = pytest.importorskip("torch")

from comparison import assert_same, images, to_torch  # noqa: E402
from test_originals import randomised  # noqa: E402

import zoo  # noqa: E402
from zoo.weights import from_torch  # noqa: E402
from zoo.weights.import_torchvision import import_torchvision  # noqa: E402

pytestmark = pytest.mark.torch


def in_training(original, model, variables, x):
    """Our logits and auxiliary logits, and torchvision's named tuple of the same."""
    apply = partial(model.apply, train=True, mutable=["batch_stats", "aux_logits"])
    logits, updated = jax.jit(apply)(variables, x)
    with torch.no_grad():
        return logits, updated["aux_logits"], original.train()(to_torch(x))


@pytest.mark.parametrize("size", [(224, 224), (128, 96)], ids=str)
def test_googlenet_in_training_has_all_logits_of_torchvision(size):
    torchvision = import_torchvision()

    original = randomised(torchvision.models.googlenet(init_weights=False, dropout=0.0, dropout_aux=0.0))
    model = zoo.create_model("googlenet_tv", aux_heads=True, dropout=0.0, aux_dropout=0.0)
    variables = from_torch("googlenet_tv", original.state_dict(), model=model)
    logits, heads, theirs = in_training(original, model, variables, images(*size))
    assert_same(logits, theirs.logits)
    # Torchvision's tuple has them in the order from output to input; the names count from the input.
    assert_same(heads["loss1"]["logits"], theirs.aux_logits1)
    assert_same(heads["loss2"]["logits"], theirs.aux_logits2)


def test_inception_v3_in_training_has_all_logits_of_torchvision():
    torchvision = import_torchvision()

    original = torchvision.models.inception_v3(init_weights=False, dropout=0.0)
    model = zoo.create_model("inception_v3", aux_heads=True, dropout=0.0)
    variables = from_torch("inception_v3", original.state_dict(), model=model)
    logits, heads, theirs = in_training(original, model, variables, images(299, 299))
    assert_same(logits, theirs.logits)
    # The last batch norm has two values per channel, which amplifies the rounding errors before it.
    assert_same(heads["aux"]["logits"], theirs.aux_logits, tolerance=1e-3)
