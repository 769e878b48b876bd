"""What is known of a file of another library beside its arrays: the original's fields, preprocessing and classes.

Class names come from a known file only: a publisher's, or one that states them. That a network has 1,000 outputs says
nothing of its classes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Any

from zoo.data import Preprocessing
from zoo.errors import ZooError
from zoo.printable import quoted
from zoo.runtime.regular_file import size_of
from zoo.weights.published import PublishedWeights, find_published, imagenet_classes, published_weights, unknown_weights
from zoo.weights.stored_array import sha256_of
from zoo.weights.timm_architectures import TIMM_ARCHITECTURES, architecture_names, network_of
from zoo.weights.timm_config import read_timm_config

MAX_PUBLISHED = 2**30
# Folders of the hub's own cache and of zoo's, whose files are those of the repository.
HUB_SNAPSHOTS = (
    re.compile(r"/models--(?P<owner>[^/]+)--(?P<name>[^/]+)/snapshots/[0-9a-f]{40}$"),
    re.compile(r"/weights/hub/(?P<owner>[^/]+)/(?P<name>[^/]+)/[0-9a-f]{40}$"),
)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where weights come from. `key_map` is empty, `fields` and `preprocessing` are None where they are not known.

    `class_names` are the names of the outputs, in order; empty where they are not known. `published` is the record of a
    file that is published as it is.
    """

    key_map: str = ""
    fields: Mapping[str, Any] | None = None
    preprocessing: Preprocessing | None = None
    class_names: tuple[str, ...] = ()
    published: PublishedWeights | None = None


def origin_of_published(published: PublishedWeights) -> Origin:
    """The origin of a published file itself: all of them have ImageNet's classes."""
    return replace(_made_from(published), class_names=imagenet_classes(), published=published)


def origin_named(model_name: str, like: str) -> Origin:
    """The origin of weights that were trained from published weights (a tag), or as an architecture of timm's.

    Their classes are not known. Raises ZooError where `like` is neither.
    """
    if (fields := TIMM_ARCHITECTURES.get(model_name, {}).get(like)) is not None:
        return Origin(key_map="timm", fields=fields)
    if published := find_published(model_name, like):
        return _made_from(published)
    raise unknown_weights(model_name, like)


def origin_of_file(model_name: str, file: BufferedReader) -> Origin:
    """What is known of an open file: by its SHA-256, else by timm's config.json beside it."""
    # A digest takes seconds per gigabyte: only of files as large as a published one.
    candidates = [one for one in published_weights(model_name) if one.sha256 and _may_have_size(one, size_of(file))]
    digest = sha256_of(file) if candidates else ""
    for published in candidates:
        if digest.startswith(published.sha256):
            return origin_of_published(published)
    return _origin_in_config(model_name, Path(file.name).parent)


def _may_have_size(published: PublishedWeights, size: int) -> bool:
    if published.mebibytes is None:
        return size <= MAX_PUBLISHED
    return abs(size / 2**20 - published.mebibytes) < 1


def _origin_in_config(model_name: str, folder: Path) -> Origin:
    """The origin that timm's config.json states; nothing where there is none, or one of another network.

    timm writes the tag of the original also beside weights that were trained from it: only `label_names`, or the
    folder's place in the hub's cache, tell the classes. Raises ZooError for an architecture that the network is not,
    and for a file that cannot be read.
    """
    config = read_timm_config(folder / "config.json")
    if config is None:
        return Origin()
    architecture, tag = config.architecture, config.pretrained_cfg.tag
    stated, class_names = config.preprocessing(), config.class_names()
    repository = f"timm/{architecture}.{tag}"
    for published in published_weights(model_name):
        if published.hub == repository:
            if _cached_repository(folder) == repository:
                return origin_of_published(published)
            made_from = _made_from(published)
            return replace(made_from, preprocessing=stated or made_from.preprocessing, class_names=class_names)
    if (known := architecture_names(model_name)) and architecture not in known:
        raise ZooError(
            f"{folder / 'config.json'} states timm's architecture {architecture}, which {model_name} is not: "
            f"it is {' or '.join(sorted(known))}"
        )
    fields = TIMM_ARCHITECTURES.get(model_name, {}).get(architecture)
    key_map = "timm" if fields is not None else ""
    return Origin(key_map=key_map, fields=fields, preprocessing=stated, class_names=class_names)


def _cached_repository(folder: Path) -> str:
    """The repository at the hub whose files are in this folder of a cache; empty for another folder."""
    place = folder.absolute().as_posix()
    found = next(filter(None, (pattern.search(place) for pattern in HUB_SNAPSHOTS)), None)
    return f"{found['owner']}/{found['name']}" if found else ""


def network_beside(file: Path) -> str:
    """The network that timm's config.json beside a weights file states. Raises ZooError where none does."""
    config = read_timm_config(file.with_name("config.json"))
    if config is None:
        raise ZooError(f"{file.name} does not state its network: name it before its weights, as a model's name")
    if network := network_of(config.architecture):
        return network
    raise ZooError(f"zoo has no network that is timm's {quoted(config.architecture)}")


def _made_from(published: PublishedWeights) -> Origin:
    return Origin(key_map=published.key_map, fields=published.fields, preprocessing=published.preprocessing)
