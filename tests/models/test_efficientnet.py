"""EfficientNet: scaling, the rates of stochastic depth, and what Lite does not have."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from zoo.models.blocks.inverted_residual import StageSettings
from zoo.models.blocks.round_width import round_width
from zoo.models.efficientnet import B0, last_blocks, scale_stages
from zoo.models.variables import init_shapes, trace_init


def test_widths_are_multiples_of_8_and_at_least_nine_tenths():
    assert [round_width(32 * factor) for factor in (1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0)] == [32, 32, 40, 48, 48, 56, 64]
    assert round_width(16 * 0.7) == 16
    assert round_width(3) == 8
    assert round_width(100, divisor=24) == 96 and round_width(36, divisor=24) == 48


def test_depths_are_rounded_up():
    assert [stage.depth for stage in scale_stages(B0, 1.0, 3.1)] == [4, 7, 7, 10, 10, 13, 4]


def test_the_last_block_of_each_resolution():
    assert last_blocks(B0) == ("block1_1", "block2_2", "block3_2", "block5_3", "block7_1")


def test_lite_does_not_scale_stem_and_head_and_has_no_squeeze_excite():
    params = init_shapes(zoo.create_model("efficientnet_lite4"))["params"]
    assert params["stem"]["conv"]["kernel"].shape == (3, 3, 3, 32)
    assert params["head"]["conv"]["kernel"].shape[-1] == 1280
    assert {name for name in params if name.startswith(("block1_", "block7_"))} == {"block1_1", "block7_1"}
    assert not any("se" in part for part in params.values())


def test_stochastic_depth_grows_block_by_block_on_shortcuts_only():
    rates = {}

    def record_rate(call, args, kwargs, context):
        if isinstance(context.module, nn.Dropout):
            rates["/".join(context.module.path)] = context.module.rate
        return call(*args, **kwargs)

    with nn.intercept_methods(record_rate):
        trace_init(zoo.create_model("efficientnet_b0", stochastic_depth=0.16, dropout=0.3))
    assert rates.pop("dropout") == 0.3
    shortcuts = {"block2_2": 2, "block3_2": 4, "block4_2": 6, "block4_3": 7, "block5_2": 9, "block5_3": 10}
    shortcuts |= {"block6_2": 12, "block6_3": 13, "block6_4": 14}
    assert rates == {f"{name}/stochastic_depth": pytest.approx(0.01 * position) for name, position in shortcuts.items()}


@pytest.mark.slow
def test_remat_changes_nothing():
    stages = (StageSettings(3, 1, 8, 1, 1, fused=True), StageSettings(3, 2, 8, 1, 1))
    fields = {"stages": stages, "stem": 8, "head": 8, "num_classes": 3, "stochastic_depth": 0.9}
    x = jax.random.normal(jax.random.key(1), (4, 8, 8, 3))
    variables = jax.jit(zoo.create_model("efficientnet_b0", **fields).init)(jax.random.key(0), x)

    def gradient(remat):
        net = zoo.create_model("efficientnet_b0", **fields, remat=remat)

        def loss(params):
            rngs = {"dropout": jax.random.key(2)}
            y, _ = net.apply({**variables, "params": params}, x, train=True, rngs=rngs, mutable=["batch_stats"])
            return jnp.square(y).sum()

        return jax.jit(jax.grad(loss))(variables["params"])

    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5), gradient(False), gradient(True))
