"""NASNet-A and PNASNet-5: two cells that a search has found, a normal and a reducing one, repeated."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import flax.linen as nn
import jax

from zoo.initializers import TORCH_DEFAULT, InitialValues, LayerInitializer
from zoo.layers import Dropout, ModuleFactory, batch_norm, global_avg_pool
from zoo.models.blocks.searched_cell import (
    CURRENT,
    PREVIOUS,
    SUM_0,
    SUM_1,
    SUM_2,
    SUM_3,
    SUM_4,
    Adjustment,
    Cell,
    CellSettings,
    FactorizedReduction,
    Operation,
)
from zoo.models.blocks.separable_conv import SeparableConv
from zoo.models.field_types import Depths, Probability, Width
from zoo.models.network import FoldableNetwork, MapLayer, ModelInfo, Paper, activated, maybe_remat
from zoo.runtime.record_types import ImageShape

NASNET = Paper(
    title="Learning Transferable Architectures for Scalable Image Recognition",
    year=2017,
    url="https://arxiv.org/abs/1707.07012",
)
PNASNET = Paper(title="Progressive Neural Architecture Search", year=2017, url="https://arxiv.org/abs/1712.00559")

# Zoph et al. 2017, Figure 4, with the order of the release.
NASNET_NORMAL = CellSettings(
    pairs=(
        (Operation("separable_5", CURRENT), Operation("separable_3", PREVIOUS)),
        (Operation("separable_5", PREVIOUS), Operation("separable_3", PREVIOUS)),
        (Operation("average", CURRENT), Operation("identity", PREVIOUS)),
        (Operation("average", PREVIOUS), Operation("average", PREVIOUS)),
        (Operation("separable_3", CURRENT), Operation("identity", CURRENT)),
    ),
    output=(PREVIOUS, SUM_0, SUM_1, SUM_2, SUM_3, SUM_4),
)
NASNET_REDUCTION = CellSettings(
    pairs=(
        (Operation("separable_5", CURRENT), Operation("separable_7", PREVIOUS)),
        (Operation("max", CURRENT), Operation("separable_7", PREVIOUS)),
        (Operation("average", CURRENT), Operation("separable_5", PREVIOUS)),
        (Operation("identity", SUM_1), Operation("average", SUM_0)),
        (Operation("separable_3", SUM_0), Operation("max", CURRENT)),
    ),
    output=(SUM_1, SUM_2, SUM_3, SUM_4),
)
# Liu et al. 2017, Figure 1: one cell, which reduces where it has stride 2.
PNASNET_CELL = CellSettings(
    pairs=(
        (Operation("separable_5", PREVIOUS), Operation("max", PREVIOUS)),
        (Operation("separable_7", CURRENT), Operation("max", CURRENT)),
        (Operation("separable_5", CURRENT), Operation("separable_3", CURRENT)),
        (Operation("separable_3", SUM_2), Operation("max", CURRENT)),
        (Operation("separable_3", PREVIOUS), Operation("identity", CURRENT)),
    ),
    output=(SUM_0, SUM_1, SUM_2, SUM_3, SUM_4),
)


class PlannedCell(NamedTuple):
    """The name of a cell, its width and its stride; which map is its first input, and how it is adjusted.

    `previous` counts maps backwards: 1 is the cell's other input. The first input is taken as it is, projected to the
    cell's width, or reduced to half its size too.
    """

    name: str
    width: int
    stride: int = 1
    previous: int = 2
    adjust: Adjustment = "project"


def plan_cells(depths: tuple[int, ...], width: int, skip_reduction: bool) -> Iterator[PlannedCell]:
    """The cells in order: two of the stem, then `depths` normal cells of each width, with a reducing cell between.

    With `skip_reduction` the cell after a reducing one has the same first input as that one.
    """
    yield PlannedCell("cell_stem_0", width // 4, stride=2, previous=1, adjust="none")
    yield PlannedCell("cell_stem_1", width // 2, stride=2, adjust="reduce")
    count = 0
    for stage, depth in enumerate(depths):
        if stage > 0:
            yield PlannedCell(f"reduction_cell_{stage - 1}", width << stage, stride=2)
        previous = 3 if skip_reduction and stage > 0 else 2
        yield PlannedCell(f"cell_{count}", width << stage, previous=previous, adjust="reduce")
        for i in range(count + 1, count + depth):
            yield PlannedCell(f"cell_{i}", width << stage)
        count += depth


class NASNet(FoldableNetwork):
    """Zoph et al. 2017, Figure 2: a stem, `depths` normal cells with reducing cells between.

    The cells of the first stage have `width` channels in each of their convolutions, those of a later one twice as
    many as the one before. `skip_reduction` is the release's for NASNet-A (6 @ 4032): the cell after a reducing one has
    the first input of that one. With `zero_padded_max`, as in Keras, the padding of maximum pools with stride 2 is
    zeros. `norm` makes the batch normalisations; `separable_init` are the initial values of separable convolutions,
    where they differ from those of the others.
    """

    image_shape: ImageShape = (331, 331, 3)
    normal: CellSettings = NASNET_NORMAL
    reduction: CellSettings = NASNET_REDUCTION
    depths: Depths = (6, 6, 6)
    width: Width = 168
    stem_width: Width = 96
    skip_reduction: bool = True
    zero_padded_max: bool = False
    norm: ModuleFactory = partial(batch_norm, epsilon=1e-3)
    dropout: Probability = 0.0
    remat: bool = False
    initial_values: InitialValues = TORCH_DEFAULT  # as timm's
    separable_init: LayerInitializer | None = None

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        norm = self.norm_unless_folded(self.norm, train=train)
        conv = partial(self.conv_blocks(norm), act=None)
        kernel_init = self.initial_values.kernel
        separable_init = self.separable_init or kernel_init
        x = conv(self.stem_width, 3, 2, name="conv0")(x, train)
        maps = [x]
        for name, width, stride, previous, adjust in plan_cells(self.depths, self.width, self.skip_reduction):
            cell = maybe_remat(Cell, self.remat)(
                settings=self.reduction if stride > 1 else self.normal,
                width=width,
                stride=stride,
                adjust=adjust,
                conv=conv,
                separable=partial(SeparableConv, norm=norm, kernel_init=separable_init, dtype=self.dtype),
                factorized_reduction=partial(FactorizedReduction, norm=norm, kernel_init=kernel_init, dtype=self.dtype),
                act=self.act,
                zero_padded_max=self.zero_padded_max,
                name=name,
            )
            maps.append(cell((maps[-previous], maps[-1]), train))
        x = global_avg_pool(self.act(maps[-1]))
        x = Dropout(self.dropout, deterministic=not train, name="dropout")(x)
        return self.classify(x, "fc")


PORTED = "the padding of average pools with stride 2 counts as zeros, which it does not in the release"
RECORD = partial(
    ModelInfo,
    input_size=331,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    crop=0.911,
    interpolation="bicubic",
)
PNASNET_DEPTHS = (4, 3, 3)


def cell_maps(stages: tuple[str, ...]) -> dict[str, Any]:
    """The stages; a pyramid has the activations of the cells, as timm's."""
    stem, *cells = stages
    return {"stages": stages, "pyramid": (stem, *(MapLayer(cell, activated) for cell in cells))}


ENTRIES = (
    RECORD(
        name="nasnetalarge",
        build=NASNet,
        paper=NASNET,
        parameters=88_753_150,
        macs=23_783_414_658,
        **cell_maps(("conv0", "cell_stem_0", "cell_5", "cell_11", "cell_17")),
        differs=PORTED,
    ),
    RECORD(
        name="pnasnet5large",
        build=partial(
            NASNet,
            normal=PNASNET_CELL,
            reduction=PNASNET_CELL,
            depths=PNASNET_DEPTHS,
            width=216,
            skip_reduction=False,
        ),
        paper=PNASNET,
        parameters=86_057_668,
        macs=24_937_395_792,
        **cell_maps(("conv0", "cell_stem_0", "cell_3", "cell_6", "cell_9")),
    ),
)
