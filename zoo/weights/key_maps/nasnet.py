"""NASNet and PNASNet. timm has the names of the release, and numbers PNASNet's reducing cells among the others."""

from collections.abc import Iterator

from zoo.models.nasnet import PNASNET_DEPTHS, plan_cells
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
KEY_MAPS = {"nasnetalarge": {"timm": NASNET}, "pnasnet5large": {"timm": PNASNET}}
