"""The optimizers, compared with plain NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.training import Recipe, learning_rate_schedule, make_optimizer
from zoo.training.muon import grouped_kernels


def plain_recipe(**changes):
    """A recipe without warmup, with a constant learning rate."""
    return Recipe(**{"warmup_epochs": 0, "schedule": "constant", "learning_rate": 0.1, "weight_decay": 0.0, **changes})


def updates_of(recipe, params, gradients, **options):
    """The updates that follow one another for these gradients."""
    optimizer = make_optimizer(recipe, 100, **options)
    state, found = optimizer.init(params), []
    for gradient in gradients:
        updates, state = jax.jit(optimizer.update)(gradient, state, params)
        found.append(updates)
    return found


def orthogonal(matrix):
    """Newton and Schulz's iteration as in Jordan's program, in float64."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / np.linalg.norm(x)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def muon_update(matrices, momentum=0.95):
    """What muon makes of gradients of one matrix that follow one another, as long as AdamW's updates; nesterov."""
    mean, found = np.zeros_like(matrices[0]), []
    for count, gradient in enumerate(matrices, start=1):
        mean = momentum * mean + (1 - momentum) * gradient
        ahead = momentum * mean / (1 - momentum ** (count + 1))
        ahead = ahead + (1 - momentum) * gradient / (1 - momentum**count)
        found.append(orthogonal(ahead) * 0.2 * np.sqrt(max(gradient.shape)))
    return found


def gradients(*shape, count=3):
    """Gradients of a parameter of that shape."""
    generator = np.random.default_rng(0)
    return [generator.normal(size=shape) for _ in range(count)]


def test_muon_moves_a_kernel_as_the_matrix_of_its_windows():
    given = gradients(3, 3, 4, 8)
    expected = [update.reshape(3, 3, 4, 8) for update in muon_update([g.reshape(36, 8) for g in given])]
    params = {"conv": {"kernel": jnp.zeros((3, 3, 4, 8))}}
    found = updates_of(plain_recipe(optimizer="muon"), params, [{"conv": {"kernel": jnp.asarray(g)}} for g in given])
    for update, direction in zip(found, expected, strict=True):
        np.testing.assert_allclose(update["conv"]["kernel"], -0.1 * direction, atol=1e-4)


def test_muon_takes_each_group_by_itself():
    given = gradients(3, 3, 4, 8)
    halves = [muon_update([g[..., half].reshape(36, 4) for g in given]) for half in (slice(0, 4), slice(4, 8))]
    expected = [
        np.concatenate([a.reshape(3, 3, 4, 4), b.reshape(3, 3, 4, 4)], -1) for a, b in zip(*halves, strict=True)
    ]
    params = {"conv": {"kernel": jnp.zeros((3, 3, 4, 8))}}
    steps = [{"conv": {"kernel": jnp.asarray(g)}} for g in given]
    found = updates_of(plain_recipe(optimizer="muon"), params, steps, groups={"conv/kernel": 2})
    for update, direction in zip(found, expected, strict=True):
        np.testing.assert_allclose(update["conv"]["kernel"], -0.1 * direction, atol=1e-4)


def test_muon_leaves_the_head_norms_and_depthwise_filters_to_adam():
    shapes = {"fc/kernel": (16, 10), "conv/bias": (8,), "dw/kernel": (3, 3, 1, 8)}
    given = {key: gradients(*shape) for key, shape in shapes.items()}

    def tree(make):
        parts = {key: make(key) for key in shapes}
        return {key.split("/")[0]: {key.split("/")[1]: leaf} for key, leaf in parts.items()}

    params = tree(lambda key: jnp.zeros(shapes[key]))
    steps = [tree(lambda key, i=i: jnp.asarray(given[key][i])) for i in range(3)]
    options = {"head": frozenset({"fc/kernel"}), "groups": {"dw/kernel": 8}}
    muon = updates_of(plain_recipe(optimizer="muon"), params, steps, **options)
    adam = updates_of(plain_recipe(optimizer="adamw"), params, steps)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), muon, adam)


def test_groups_are_found_by_the_kernels_that_have_them():
    found = grouped_kernels(zoo.create_model("alexnet_2012"))
    assert found == {"conv2/conv/kernel": 2, "conv4/conv/kernel": 2, "conv5/conv/kernel": 2}


def test_lamb_steps_are_as_long_as_the_parameters():
    kernel = np.random.default_rng(1).normal(size=(4, 6))
    given = gradients(4, 6)
    mean, square = np.zeros((4, 6)), np.zeros((4, 6))
    steps = [{"kernel": jnp.asarray(g)} for g in given]
    found = updates_of(plain_recipe(optimizer="lamb"), {"kernel": jnp.asarray(kernel)}, steps)
    for count, (gradient, update) in enumerate(zip(given, found, strict=True), start=1):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        direction = mean / (1 - 0.9**count) / (np.sqrt(square / (1 - 0.999**count)) + 1e-6)
        expected = direction * np.linalg.norm(kernel) / np.linalg.norm(direction)
        np.testing.assert_allclose(update["kernel"], -0.1 * expected, rtol=2e-4)


def test_accumulated_gradients_are_one_of_their_mean():
    params, given = {"kernel": jnp.ones((4, 6))}, gradients(4, 6, count=4)
    steps = [{"kernel": jnp.asarray(g)} for g in given]
    means = [{"kernel": jnp.asarray((given[i] + given[i + 1]) / 2)} for i in (0, 2)]
    found = updates_of(plain_recipe(accumulate=2), params, steps)
    expected = updates_of(plain_recipe(), params, means)
    assert not found[0]["kernel"].any() and not found[2]["kernel"].any()
    for ours, theirs in zip(found[1::2], expected, strict=True):
        np.testing.assert_allclose(ours["kernel"], theirs["kernel"], rtol=1e-5)


@pytest.mark.parametrize(
    ("schedule", "middle", "end"), [("cosine", 0.25, 0), ("linear", 0.25, 0), ("constant", 0.5, 0.5)]
)
def test_schedules(schedule, middle, end):
    rate = learning_rate_schedule(Recipe(epochs=10, learning_rate=0.5, warmup_epochs=2, schedule=schedule), 100)
    found = [float(rate(step)) for step in (0, 100, 200, 600, 1000)]
    np.testing.assert_allclose(found, [0, 0.25, 0.5, middle, end], atol=1e-6)


def test_the_schedule_counts_updates():
    recipe = Recipe(epochs=10, learning_rate=0.5, warmup_epochs=2, accumulate=4)
    rate = learning_rate_schedule(recipe, 100)
    np.testing.assert_allclose([rate(25), rate(50), rate(250)], [0.25, 0.5, 0], atol=1e-6)


def test_lamb_moves_biases_as_adam_does():
    params = {"kernel": jnp.ones((4, 6)), "bias": jnp.zeros(6)}
    steps = [{"kernel": jnp.ones((4, 6)), "bias": jnp.asarray(g)} for g in gradients(6)]
    lamb = updates_of(plain_recipe(optimizer="lamb"), params, steps)
    adam = updates_of(plain_recipe(optimizer="adamw"), params, steps)
    for ours, theirs in zip(lamb, adam, strict=True):
        np.testing.assert_allclose(ours["bias"], theirs["bias"], rtol=1e-4)


def test_rmsprop_is_tensorflows():
    """The formula of tf.raw_ops.ResourceApplyRMSProp, whose mean square TensorFlow 1 starts at 1."""
    recipe = {"optimizer": "rmsprop", "momentum": 0.8, "rms_epsilon": 0.5, "weight_decay": 0.01, "epochs": 1}
    kernel = np.random.default_rng(1).normal(size=(4, 6))
    given = gradients(4, 6, count=5)
    steps = [{"kernel": jnp.asarray(gradient)} for gradient in given]
    # The rate falls: in the momentum each gradient has that of its own update.
    recipe = plain_recipe(schedule="staircase", decay_at="0.02", **recipe)
    found = updates_of(recipe, {"kernel": jnp.asarray(kernel)}, steps)
    square, momentum = np.ones((4, 6)), np.zeros((4, 6))
    for number, (gradient, update) in enumerate(zip(given, found, strict=True)):
        whole = gradient + 0.01 * kernel
        square = 0.9 * square + 0.1 * whole**2
        momentum = 0.8 * momentum + (0.1 if number < 2 else 0.01) * whole / np.sqrt(square + 0.5)
        np.testing.assert_allclose(update["kernel"], -momentum, rtol=2e-5)


def test_two_steps_of_rmsprop_in_numbers():
    """Of one parameter, worked out by hand: 0.9 + 0.1 x 2^2 = 1.3, and 0.9 x 1.3 + 0.1 = 1.27."""
    recipe = plain_recipe(optimizer="rmsprop", momentum=0.9, rms_epsilon=1.0)
    found = updates_of(recipe, {"a": jnp.zeros(1)}, [{"a": jnp.array([2.0])}, {"a": jnp.array([-1.0])}])
    # 0.1 x 2 / sqrt(2.3), then 0.9 of that - 0.1 / sqrt(2.27)
    np.testing.assert_allclose([float(update["a"][0]) for update in found], [-0.1318761, -0.0523162], rtol=1e-5)


@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_with_and_without_nesterov_momentum(nesterov):
    given = gradients(6)
    recipe = plain_recipe(optimizer="sgd", momentum=0.8, nesterov=nesterov)
    found = updates_of(recipe, {"bias": jnp.zeros(6)}, [{"bias": jnp.asarray(gradient)} for gradient in given])
    momentum = np.zeros(6)
    for gradient, update in zip(given, found, strict=True):
        momentum = 0.8 * momentum + gradient
        direction = gradient + 0.8 * momentum if nesterov else momentum
        np.testing.assert_allclose(update["bias"], -0.1 * direction, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "lamb", "muon", "rmsprop"])
def test_weight_decay_of_biases_and_norms_where_it_is_asked_for(optimizer):
    params = {"conv": {"kernel": jnp.ones((3, 3, 2, 2)), "bias": jnp.ones(2)}, "bn": {"scale": jnp.full(2, 3.0)}}
    recipe = plain_recipe(optimizer=optimizer, weight_decay=0.5, decay_norms=True, nesterov=False, rms_epsilon=1.0)
    (updates,) = updates_of(recipe, params, [jax.tree.map(jnp.zeros_like, params)])
    assert all((leaf < 0).all() for leaf in jax.tree.leaves(updates))
    if optimizer in ("adamw", "sgd", "muon"):
        np.testing.assert_allclose(updates["bn"]["scale"], -0.1 * 0.5 * 3, rtol=1e-5)
