"""MobileNet V3. Not timm's: its networks of these names were trained with another epsilon in the norms."""

from collections.abc import Iterator

from zoo.models.mobilenet_v3 import LARGE, SMALL, STEM, Row
from zoo.weights.names.mobilenet import conv_and_norm
from zoo.weights.rules import Names


def _torchvision(rows: tuple[Row, ...]) -> Iterator[tuple[str, str]]:
    yield from conv_and_norm("conv1", "features.0")
    place, channels = 1, STEM
    for stage, (_, features, squeeze, _, _, widths) in enumerate(rows, start=1):
        for i, expanded in enumerate(widths, start=1):
            parts = {"expand": expanded != channels, "depthwise": True, "se": squeeze, "project": True}
            for j, part in enumerate(part for part, there in parts.items() if there):
                ours, theirs = f"block{stage}_{i}/{part}", f"features.{place}.block.{j}"
                yield from [(f"{ours}/{{Part}}", f"{theirs}.{{Part}}")] if part == "se" else conv_and_norm(ours, theirs)
            place, channels = place + 1, features
    yield from conv_and_norm("conv_last", f"features.{place}")
    yield "fc1", "classifier.0"
    yield "fc2", "classifier.3"


NAMES = {
    "mobilenet_v3_large": {"torchvision": Names(tuple(_torchvision(LARGE)))},
    "mobilenet_v3_small": {"torchvision": Names(tuple(_torchvision(SMALL)))},
}
