"""NASNet and PNASNet. timm has the names of the release, and numbers PNASNet's reducing cells among the others.

Keras's layers have the names of the scopes around them; after a reducing cell its numbers are one more than ours.
"""

from collections.abc import Iterator

from zoo.models.nasnet import PNASNET_DEPTHS, PlannedCell, plan_cells
from zoo.models.nasnet_keras import DEPTHS as KERAS_DEPTHS
from zoo.weights.key_map import KeyMap

STEM = ("cell_stem_0", "cell_stem_1")


def _cell(ours: str, theirs: str, reduction: str) -> Iterator[tuple[str, str]]:
    """The rules of a cell; `reduction` is the place there of the reduction of its first input."""
    yield f"{ours}/reduce_prev/path_{{k}}", f"{reduction}.path_{{k}}.conv"
    yield f"{ours}/reduce_prev/bn", f"{reduction}.final_path_bn"
    yield f"{ours}/{{Layer}}/separable_{{k}}/bn", f"{theirs}.{{Layer}}.bn_sep_{{k}}"
    yield f"{ours}/{{Layer}}/separable_{{k}}/{{Part}}", f"{theirs}.{{Layer}}.separable_{{k}}.{{Part}}_conv2d"
    yield f"{ours}/{{Layer}}/{{Part}}", f"{theirs}.{{Layer}}.{{Part}}"


def _pnasnet_cells() -> Iterator[tuple[str, str]]:
    """Our names of the cells and timm's."""
    for i, cell in enumerate(plan_cells(PNASNET_DEPTHS, width=0, skip_reduction=False)):
        yield cell.name, cell.name if cell.name in STEM else f"cell_{i - len(STEM)}"


def _keras_block(cell: PlannedCell, depth: int) -> str:
    """Keras's name of a cell of a network with `depth` normal cells in each stage."""
    kind, number = cell.name.rsplit("_", 1)
    if kind == "cell_stem":
        return f"stem_{int(number) + 1}"
    if kind == "reduction_cell":
        return f"reduce_{depth * (int(number) + 1)}"
    return f"{int(number) + (int(number) >= depth)}"


def _keras_cell(cell: PlannedCell, block: str) -> Iterator[tuple[str, str]]:
    kind = "reduction" if cell.stride > 1 else "normal"
    scope = f"{kind}_A_block_{block}"
    projection, reduction = (f"{scope}/adjust_block/adjust_{one}_block_{block}" for one in ("projection", "reduction"))
    yield f"{cell.name}/reduce_prev/path_{{k}}", f"{reduction}/adjust_conv_{{k}}_{block}"
    yield f"{cell.name}/reduce_prev/bn", f"{reduction}/adjust_bn_{block}"
    yield f"{cell.name}/conv_prev_1x1/conv", f"{projection}/adjust_conv_projection_{block}"
    yield f"{cell.name}/conv_prev_1x1/bn", f"{projection}/adjust_bn_{block}"
    yield f"{cell.name}/conv_1x1/{{Part}}", f"{scope}/{kind}_{{Part}}_1_{block}"
    if kind == "reduction":
        # Keras calls it the fourth, although it is in the fifth pair.
        yield from _keras_separable(f"{cell.name}/comb_iter_4_left", f"{scope}/block_5", f"{kind}_left4_{block}")
    pair = f"{cell.name}/comb_iter_{{i}}_{{Side}}", f"{scope}/block_{{i+1}}"
    yield from _keras_separable(*pair, f"{kind}_{{Side}}{{i+1}}_{block}")


def _keras_separable(ours: str, scope: str, name: str) -> Iterator[tuple[str, str]]:
    theirs = f"{scope}/separable_conv_block_{name}/separable_conv_{{k}}"
    yield f"{ours}/separable_{{k}}/bn", f"{theirs}_bn_{name}"
    yield f"{ours}/separable_{{k}}/{{Part}}", f"{theirs}_{name}/{{Part}}"


def _keras(depths: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    yield "conv0/{Part}", "stem_{Part}1"
    for cell in plan_cells(depths, width=0, skip_reduction=False):
        yield from _keras_cell(cell, _keras_block(cell, depths[0]))
    yield "fc", "predictions"


NASNET = KeyMap(rules=(("conv0/{Part}", "conv0.{Part}"), *_cell("{Cell}", "{Cell}", "{Cell}"), ("fc", "last_linear")))
PNASNET = KeyMap(
    rules=(
        ("conv0/{Part}", "conv_0.{Part}"),
        *(
            rule
            for ours, theirs in _pnasnet_cells()
            for rule in _cell(ours, theirs, reduction=f"{theirs}.conv_prev_1x1")
        ),
        ("fc", "last_linear"),
    )
)
SEPARABLE = ("{Cell}/{Layer}/separable_{k}/depthwise",)
KEY_MAPS = {
    "nasnetalarge": {"timm": NASNET},
    "pnasnet5large": {"timm": PNASNET},
    **{name: {"keras": KeyMap(tuple(_keras(depths)), depthwise=SEPARABLE)} for name, depths in KERAS_DEPTHS.items()},
}
