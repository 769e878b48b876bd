"""MobileNet V3. What computes with timm's weights needs the field `epsilon=1e-5`."""

from collections.abc import Iterator

from zoo.models.mobilenet_v3 import LARGE, SMALL, STEM, SearchedStage
from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.mobilenet import TIMM_INVERTED, TIMM_SEPARABLE, conv_and_norm


def _torchvision(stages: tuple[SearchedStage, ...]) -> Iterator[tuple[str, str]]:
    yield from conv_and_norm("conv1", "features.0")
    index, channels = 1, STEM
    for number, stage in enumerate(stages, start=1):
        for i, expanded in enumerate(stage.expanded, start=1):
            parts = {"expand": expanded != channels, "depthwise": True, "se": stage.squeeze_excite, "project": True}
            for j, part in enumerate(part for part, there in parts.items() if there):
                ours, theirs = f"block{number}_{i}/{part}", f"features.{index}.block.{j}"
                yield from [(f"{ours}/{{Part}}", f"{theirs}.{{Part}}")] if part == "se" else conv_and_norm(ours, theirs)
            index, channels = index + 1, stage.features
    yield from conv_and_norm("conv_last", f"features.{index}")
    yield "fc1", "classifier.0"
    yield "fc2", "classifier.3"


def _timm(stages: tuple[SearchedStage, ...]) -> KeyMap:
    rules = (
        ("conv1/conv", "conv_stem"),
        ("conv1/bn", "bn1"),
        *TIMM_SEPARABLE,
        *TIMM_INVERTED,
        ("block{s}_{i}/se/fc1", "blocks.{s-1}.{i-1}.se.conv_reduce"),
        ("block{s}_{i}/se/fc2", "blocks.{s-1}.{i-1}.se.conv_expand"),
        ("conv_last/conv", f"blocks.{len(stages)}.0.conv"),
        ("conv_last/bn", f"blocks.{len(stages)}.0.bn1"),
        ("fc1", "conv_head"),
        ("fc2", "classifier"),
    )
    return KeyMap(rules, convolved=("fc1",))


_STAGES = {"mobilenet_v3_large": LARGE, "mobilenet_v3_small": SMALL}
KEY_MAPS = {
    **{
        name: {"torchvision": KeyMap(tuple(_torchvision(stages))), "timm": _timm(stages)}
        for name, stages in _STAGES.items()
    },
    **{f"{name}_tf": {"timm": _timm(stages)} for name, stages in _STAGES.items()},
}
