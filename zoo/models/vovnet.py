"""VoVNetV2: a chain of convolutions whose outputs are all concatenated at once, at the end of the block."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues, he_normal_fan_out, torch_default, torch_default_bias
from zoo.layers import Activation, ModuleFactory, batch_norm, global_avg_pool, max_pool
from zoo.models.blocks.channel_attention import EffectiveSqueezeExcite
from zoo.models.blocks.separable_conv import SeparableConv
from zoo.models.field_types import Depth, Depths, Widths
from zoo.models.network import FoldableNetwork, MapLayer, ModelInfo, Paper, activated, maybe_remat

PAPER = Paper(
    title="CenterMask: Real-Time Anchor-Free Instance Segmentation", year=2019, url="https://arxiv.org/abs/1911.06667"
)

# Timm's; the convolution with a bias is that of the channel attention.
INITIAL = InitialValues(kernel=he_normal_fan_out, bias=torch_default_bias, dense_kernel=torch_default)

# Widths of the stem, blocks per stage, layers per block, separable layers; parameters, multiply-adds.
TABLE = {
    "ese_vovnet19b_dw": ((64, 64, 64), (1, 1, 1, 1), 3, True, 6_543_080, 1_333_489_824),
    "ese_vovnet39b": ((64, 64, 128), (1, 1, 2, 2), 5, False, 24_568_936, 7_074_193_408),
}


class VoVNet(FoldableNetwork):
    """Lee and Park 2019, section 3.3, whose blocks are those of Lee et al. 2019 (arXiv:1904.09730), Table 1.

    A stem of three 3x3 convolutions, and stages of `OneShotAggregation` blocks with a max pool before all but the
    first. `widths` are those of the layers in the blocks of each stage, `features` those of the blocks' outputs. With
    `separable` all 3x3 convolutions but the first are depthwise separable ones. The last block of a stage has channel
    attention.
    """

    stem_widths: Widths = (64, 64, 128)
    depths: Depths = (1, 1, 2, 2)
    widths: Widths = (128, 160, 192, 224)
    features: Widths = (256, 512, 768, 1024)
    layers: Depth = 5
    separable: bool = False
    remat: bool = False
    initial_values: InitialValues = INITIAL

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        init, norm = self.initial_values, self.norm_unless_folded(batch_norm, train=train)
        conv = self.conv_blocks(norm)
        layer: ModuleFactory = partial(conv, kernel_size=3, padding=1, act=None)
        if self.separable:
            layer = partial(SeparableConv, norm=norm, kernel_init=init.kernel, dtype=self.dtype)
        gate = partial(
            EffectiveSqueezeExcite,
            gate=nn.hard_sigmoid,
            kernel_init=init.kernel,
            bias_init=init.bias,
            dtype=self.dtype,
            name="se",
        )
        first, second, third = self.stem_widths
        x = conv(first, 3, 2, padding=1, name="stem1")(x, train)
        x = self.act(layer(second, name="stem2")(x, train))
        x = self.act(layer(third, stride=2, name="stem3")(x, train))
        stages = zip(self.depths, self.widths, self.features, strict=True)
        for stage, (depth, width, features) in enumerate(stages, start=1):
            x = max_pool(x, 3, 2, ceil_mode=True) if stage > 1 else x
            for i in range(1, depth + 1):
                block = maybe_remat(OneShotAggregation, self.remat)(
                    width=width,
                    features=features,
                    layers=self.layers,
                    reduces=self.separable,
                    residual=i > 1,
                    conv=conv,
                    layer=layer,
                    gate=gate if i == depth else None,
                    act=self.act,
                    name=f"block{stage}_{i}",
                )
                x = block(x, train)
        return self.classify(global_avg_pool(x), "fc")


class OneShotAggregation(nn.Module):
    """A chain of layers; its input and all of their outputs are concatenated, and become `features` channels.

    Lee et al. 2019, Figure 1(b). Where the block `reduces`, a 1x1 convolution gives the input of the chain the width of
    the layers. Children: `reduce`, `layer1` and so on, `aggregate`, `se`.
    """

    width: int
    features: int
    layers: int
    reduces: bool
    residual: bool
    conv: ModuleFactory
    layer: ModuleFactory
    gate: ModuleFactory | None
    act: Activation

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        y = x
        if self.reduces and x.shape[-1] != self.width:
            y = self.conv(self.width, 1, name="reduce")(x, train)
        outputs = [x]
        for i in range(1, self.layers + 1):
            y = self.act(self.layer(self.width, name=f"layer{i}")(y, train))
            outputs.append(y)
        y = self.conv(self.features, 1, name="aggregate")(jnp.concatenate(outputs, axis=-1), train)
        y = y if self.gate is None else self.gate()(y)
        return x + y if self.residual else y


def _entry(name: str) -> ModelInfo:
    stem_widths, depths, layers, separable, parameters, macs = TABLE[name]
    blocks = tuple(f"block{stage}_{depth}" for stage, depth in enumerate(depths, start=1))
    return ModelInfo(
        name=name,
        build=partial(VoVNet, stem_widths=stem_widths, depths=depths, layers=layers, separable=separable),
        paper=PAPER,
        parameters=parameters,
        macs=macs,
        stages=("stem2", *blocks),
        pyramid=(MapLayer("stem2", activated), *blocks),
        interpolation="bicubic",
    )


ENTRIES = tuple(map(_entry, TABLE))
