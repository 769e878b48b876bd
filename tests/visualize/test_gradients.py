"""Gradients of a class: against jax.grad, and known sums and means."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import IMAGE, Small, images, logits_of, variables_of

import zoo
from zoo.models.network import Network
from zoo.visualize import integrated_gradients, saliency, smoothgrad


@pytest.fixture(scope="module")
def variables():
    return variables_of(Small())


@jax.jit
def gradient(variables, x, classes):
    return jax.grad(lambda x: Small().apply(variables, x)[np.arange(len(x)), classes].sum())(x)


def test_saliency_is_the_gradient_of_the_class(variables):
    x = images(3)
    likely = np.argmax(logits_of(Small(), variables, x), axis=1)
    for given, classes in ((None, likely), (2, [2, 2, 2]), ([4, 0, 1], [4, 0, 1])):
        np.testing.assert_array_equal(saliency(Small(), variables, x, given), gradient(variables, x, np.array(classes)))
    np.testing.assert_allclose(
        saliency(Small(), variables, x, batch_size=2), gradient(variables, x, likely), rtol=1e-4, atol=1e-8
    )


def test_saliency_by_a_rule_is_not_the_gradient(variables):
    x = images(1)
    plain, guided = (saliency(Small(), variables, x, rule=rule) for rule in ("gradient", "guided"))
    assert plain.shape == guided.shape == (1, *IMAGE) and not np.allclose(plain, guided)


@pytest.mark.parametrize("baseline", [0.0, "an image"])
@pytest.mark.parametrize("norm", [False, True])
def test_integrated_gradients_sum_to_the_difference_of_the_logits(norm, baseline):
    model, x = Small(norm=norm), images(4)
    variables = variables_of(model)
    baseline = images(4, seed=9) if baseline else np.float32(baseline)
    given, reference = (np.asarray(logits_of(model, variables, x)) for x in (x, np.broadcast_to(baseline, x.shape)))
    difference = given - reference
    # The classes that differ most: one per cent of a tiny difference is lost in rounding.
    classes = np.abs(difference).argmax(axis=1)
    shares = integrated_gradients(model, variables, x, classes, baseline=baseline)
    np.testing.assert_allclose(shares.sum(axis=(1, 2, 3)), difference[np.arange(4), classes], rtol=0.0101)


def test_integrated_gradients_of_the_most_probable_class(variables):
    x = images(2)
    likely = np.argmax(logits_of(Small(), variables, x), axis=1)
    np.testing.assert_array_equal(
        integrated_gradients(Small(), variables, x, steps=3),
        integrated_gradients(Small(), variables, x, likely, steps=3),
    )


class Quadratic(Network):
    """One logit: the sum of squares, whose gradient is 2x."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.square(x).sum(axis=(1, 2, 3))[:, None]


def test_smoothgrad_is_a_mean_over_noise_of_the_given_size():
    x = images(2)
    plain = smoothgrad(Quadratic(), {}, x, jax.random.key(0), samples=1, noise=0.0)
    np.testing.assert_allclose(plain, 2 * x, rtol=1e-6)
    noise = (smoothgrad(Quadratic(), {}, x, jax.random.key(0), samples=4, noise=0.2) - 2 * x) / 2
    extent = x.max(axis=(1, 2, 3)) - x.min(axis=(1, 2, 3))
    np.testing.assert_allclose(noise.std(axis=(1, 2, 3)), 0.2 * extent / 2, rtol=0.05)
    same, other = (smoothgrad(Quadratic(), {}, x, jax.random.key(seed), samples=4, noise=0.2) for seed in (0, 1))
    assert not np.allclose(same, other)
    np.testing.assert_array_equal(same, smoothgrad(Quadratic(), {}, x, jax.random.key(0), samples=4, noise=0.2))


ERRORS = {
    "class 5.* 0 to 4": lambda *given: saliency(*given, 5),
    "class 0.5": lambda *given: saliency(*given, 0.5),
    "3 classes .*2 images": lambda *given: saliency(*given, [1, 2, 3]),
    "steps is 0": lambda *given: integrated_gradients(*given, steps=0),
    r"baseline .*\(2, 3\).*\(2, 19, 22, 3\)": lambda *given: integrated_gradients(*given, baseline=np.zeros((2, 3))),
    "samples is 0": lambda *given: smoothgrad(*given, jax.random.key(0), samples=0),
    "samples is 1.5": lambda *given: smoothgrad(*given, jax.random.key(0), samples=1.5),
    "samples is 1000000000": lambda *given: smoothgrad(*given, jax.random.key(0), samples=10**9),
    "noise is nan": lambda *given: smoothgrad(*given, jax.random.key(0), noise=float("nan")),
    "'lrp'": lambda *given: saliency(*given, rule="lrp"),
}


@pytest.mark.parametrize("message", ERRORS)
def test_bad_input_is_one_clear_line(variables, message):
    with pytest.raises(zoo.ZooError, match=message):
        ERRORS[message](Small(), variables, images(2))


def test_a_network_without_classifier():
    model = Small(num_classes=0, pools=False)
    assert saliency(model, variables_of(model), images(1)).shape == (1, *IMAGE)


def test_an_output_that_is_a_map_has_no_classes():
    conv = nn.Conv(4, (3, 3))
    with pytest.raises(zoo.ZooError, match="19x22x4"):
        saliency(conv, variables_of(conv), images(1))
