"""The backward rules of activations, and an unchanged forward pass."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import Small, images, logits_of, variables_of

import zoo
from zoo.visualize.methods.backward_rules import ActivationWithRule, with_rule

X = np.array([-7.0, -1.5, -0.25, 0.0, 0.25, 1.5, 7.0], np.float32)
SIGNAL = np.array([[1.0], [-2.0], [0.5]], np.float32) * np.ones_like(X)


def down(act, signal=SIGNAL):
    return np.stack([jax.vjp(act, X)[1](one)[0] for one in signal])


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_relu_passes_signals_down_as_written_in_the_papers(rule):
    mask = X > 0 if rule == "guided" else np.ones_like(X)
    np.testing.assert_array_equal(down(ActivationWithRule(nn.relu, rule)), np.maximum(SIGNAL, 0) * mask)


@pytest.mark.parametrize(
    "act", [jax.nn.relu6, nn.silu, jnp.tanh, nn.hard_swish], ids=["relu6", "silu", "tanh", "swish"]
)
def test_other_activations(act):
    np.testing.assert_array_equal(ActivationWithRule(act, "deconvnet")(X), act(X))
    np.testing.assert_array_equal(down(ActivationWithRule(act, "deconvnet")), np.maximum(SIGNAL, 0))
    own = np.stack([jax.grad(act)(x) for x in X])
    np.testing.assert_allclose(down(ActivationWithRule(act, "guided")), np.maximum(SIGNAL, 0) * own, rtol=1e-6)


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
@pytest.mark.parametrize("act", [nn.relu, partial(nn.gelu, approximate=False)], ids=["relu", "gelu"])
def test_the_forward_pass_is_unchanged(rule, act):
    model = Small(act=act)
    variables, x = variables_of(model), images(2)
    np.testing.assert_array_equal(logits_of(with_rule(model, rule), variables, x), logits_of(model, variables, x))


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_a_network_with_two_activations_keeps_both(rule):
    acts = with_rule(zoo.create_model("mobilenet_v3_small"), rule).act
    assert acts == (ActivationWithRule(nn.hard_swish, rule), ActivationWithRule(nn.relu, rule))


def test_an_unknown_rule():
    with pytest.raises(zoo.ZooError, match=r"'relu'.*deconvnet, guided, gradient"):
        with_rule(Small(), "relu")


def test_a_network_without_the_field():
    with pytest.raises(zoo.ZooError, match=r'Dense .*"act"'):
        with_rule(nn.Dense(3), "guided")
    assert with_rule(nn.Dense(3), "gradient") == nn.Dense(3)
