"""Optimizers, schedules and losses equal torch's and timm's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from zoo.weights.import_torchvision import import_torchvision  # noqa: E402

# timm imports it, and the wheel for CUDA needs a CPU's torch to know its operators.
import_torchvision()

from timm.loss import BinaryCrossEntropy  # noqa: E402
from timm.optim import RMSpropTF  # noqa: E402

from zoo.training import Recipe, learning_rate_schedule, make_optimizer  # noqa: E402
from zoo.training.loss import binary_cross_entropy  # noqa: E402
from zoo.training.plateau import first_plateau, next_plateau  # noqa: E402

pytestmark = pytest.mark.torch

EPOCHS, STEPS = 12, 25
UPDATES = EPOCHS * STEPS
LR = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("settings", "scheduler"),
    [
        (
            {"schedule": "staircase", "decay_at": "3,6,8", "decay_rate": 0.2},
            lambda sgd: LR.MultiStepLR(sgd, [3 * STEPS, 6 * STEPS, 8 * STEPS], 0.2),
        ),
        (
            {"schedule": "staircase", "decay_epochs": 2.0, "decay_rate": 0.94},
            lambda sgd: LR.StepLR(sgd, 2 * STEPS, 0.94),
        ),
        (
            {"schedule": "exponential", "decay_epochs": 2.0, "decay_rate": 0.94},
            lambda sgd: LR.ExponentialLR(sgd, 0.94 ** (1 / (2 * STEPS))),
        ),
        ({"schedule": "polynomial", "decay_power": 0.5}, lambda sgd: LR.PolynomialLR(sgd, UPDATES, 0.5)),
        # torch's last update has the lowest rate, optax's would be the next one.
        (
            {"schedule": "one_cycle"},
            lambda sgd: LR.OneCycleLR(sgd, 0.4, UPDATES + 1, pct_start=91 / (UPDATES + 1), cycle_momentum=False),
        ),
    ],
)
def test_schedules(settings, scheduler):
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    theirs, rates = scheduler(sgd), []
    for _ in range(UPDATES):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        theirs.step()
    rate = learning_rate_schedule(Recipe(epochs=EPOCHS, learning_rate=0.4, warmup_epochs=0, **settings), STEPS)
    np.testing.assert_allclose(jax.vmap(rate)(jnp.arange(UPDATES)), rates, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("patience", [0, 1, 3])
def test_plateau(patience):
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.4)
    theirs = LR.ReduceLROnPlateau(sgd, factor=0.3, patience=patience)
    recipe = Recipe(schedule="plateau", decay_rate=0.3, plateau_patience=patience)
    plateau, rng = first_plateau(recipe), np.random.default_rng(0)
    for value in (np.float32(1 / (1 + n / 9) + 0.1 * rng.random()) if n % 7 else np.nan for n in range(60)):
        theirs.step(float(value))
        plateau = next_plateau(plateau, float(value), recipe)
        assert sgd.param_groups[0]["lr"] == pytest.approx(0.4 * plateau["scale"], rel=1e-5, abs=1e-7)
    assert sgd.param_groups[0]["lr"] < 0.04


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"optimizer": "sgd"}, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)),
        ({"optimizer": "sgd", "nesterov": False}, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01)),
        (
            {"optimizer": "rmsprop", "rms_epsilon": 1.0},
            lambda p: RMSpropTF(p, lr=0.1, alpha=0.9, eps=1.0, momentum=0.9, weight_decay=0.01),
        ),
    ],
)
def test_optimizers(settings, optimizer):
    generator = np.random.default_rng(0)
    start, gradients = generator.normal(size=(4, 6)), generator.normal(size=(8, 4, 6))
    recipe = {"schedule": "constant", "warmup_epochs": 0, "learning_rate": 0.1, "weight_decay": 0.01, **settings}
    ours, params = make_optimizer(Recipe(**recipe), STEPS), {"kernel": jnp.asarray(start, jnp.float32)}
    state, kernel = ours.init(params), torch.nn.Parameter(torch.tensor(start))
    theirs = optimizer([kernel])
    for number, gradient in enumerate(gradients):
        # The learning rate falls in between.
        if number == 4:
            theirs.param_groups[0]["lr"] = 0.02
            ours = make_optimizer(Recipe(**{**recipe, "learning_rate": 0.02}), STEPS)
        updates, state = ours.update({"kernel": jnp.asarray(gradient, jnp.float32)}, state, params)
        params = {"kernel": params["kernel"] + updates["kernel"]}
        kernel.grad = torch.tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(params["kernel"], kernel.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threshold", [0.0, 0.2])
@pytest.mark.parametrize("mixed", [False, True])
def test_binary_cross_entropy(threshold, mixed):
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(8, 10)), generator.integers(0, 10, 8)
    smoothing = 0.0 if mixed else 0.1
    targets = 0.7 * np.eye(10)[labels] + 0.3 * np.eye(10)[labels[::-1]] if mixed else labels
    theirs = BinaryCrossEntropy(smoothing, target_threshold=threshold or None)
    expected = theirs(torch.tensor(logits), torch.tensor(targets))
    found = binary_cross_entropy(jnp.asarray(logits), jnp.asarray(targets), smoothing, threshold=threshold)
    np.testing.assert_allclose(found.mean(), expected, rtol=1e-5)
