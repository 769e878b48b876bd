"""Pretrained networks by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.models.network import Network
from zoo.registry import model_info
from zoo.runtime.home_folder import expand_home
from zoo.weights.fetch import check_commit, fetch, fetch_url, local_file, stated_digest
from zoo.weights.files import FORMAT, Weights, load_file
from zoo.weights.from_state_dict import from_state_dict
from zoo.weights.origin import origin_named, origin_of_file, origin_of_published
from zoo.weights.published import PublishedWeights, find_published, published_weights, unknown_weights
from zoo.weights.read_state_dict import SAFETENSORS, SUFFIXES, open_state_dict, stored_state_dict
from zoo.weights.safetensors_file import read_safetensors
from zoo.weights.stored_array import open_weights


def open_pretrained(name: str, weights: str | Path | None = None, *, like: str = "") -> Weights:
    """The weights of a network, with its preprocessing and, where they are known, class names.

    `weights` is a tag of `zoo weights NAME` or part of one ("torchvision", "IMAGENET1K_V2"; with @COMMIT a
    revision at the hub), a file (ours, .safetensors, .npz, .pth), a folder with one, or a file:// or https:// URL
    (which may end with #sha256=...). None takes the first published weights that are on this machine, or downloads the
    default. A file of another library must fit the network, but may have another number of classes. `like` is the tag
    of the published weights that such a file was trained from, or timm's name of its architecture: their fields and
    preprocessing are the file's. Raises ZooError where the weights are not available or not of this network.
    """
    model_info(name)
    if weights is None:
        return _from_published(default_weights(name), like)
    if isinstance(weights, str):
        if "://" in weights:
            return _from_file(name, fetch_url(weights), like, stated_digest(weights))
        if published := _tagged(name, weights):
            return _from_published(published, like)
    path = expand_home(weights)
    if path.is_dir():
        return _from_file(name, weights_file(path), like)
    if not path.exists():
        is_path = isinstance(weights, Path) or path.suffix in SUFFIXES
        raise ZooError(f"there is no file {path}: check the path") if is_path else unknown_weights(name, str(weights))
    return _from_file(name, path, like)


def load_pretrained(name: str, weights: str | Path | None = None, *, like: str = "") -> tuple[Network, dict[str, Any]]:
    """A network and its variables; `weights`, `like` and errors as for `open_pretrained`."""
    found = open_pretrained(name, weights, like=like)
    return found.network(), dict(found.variables)


def default_weights(name: str) -> PublishedWeights:
    """A network's first published weights that are on this machine, or the first that can be downloaded.

    Raises ZooError where none are published.
    """
    all_published = published_weights(name)
    if not all_published:
        raise ZooError(f"no pretrained weights are known for {name}: give a weights file")
    present = [published for published in all_published if local_file(published)]
    downloads = [published for published in all_published if not published.package]
    return (present or downloads or all_published)[0]


def weights_file(folder: Path) -> Path:
    """A folder's one weights file, or its model.safetensors. Raises ZooError where there is none, or more than one."""
    files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    model_file = folder / "model.safetensors"
    if model_file in files:
        return model_file
    if len(files) == 1:
        return files[0]
    if not files:
        raise ZooError(f"{folder} holds no weights file: give one; `zoo convert` makes one of a run")
    names = ", ".join(path.name for path in files)
    raise ZooError(f"{folder} must hold one weights file, but holds {names}: give the file")


def _tagged(name: str, weights: str) -> PublishedWeights | None:
    tag, _, revision = weights.partition("@")
    published = find_published(name, tag)
    if published and revision:
        if not published.hub:
            raise ZooError(f"{published.tag} has no revisions: leave out @{revision}")
        check_commit(revision)
        # The known digest is that of another revision.
        return replace(published, revision=revision, sha256="")
    return published


def _from_published(published: PublishedWeights, like: str) -> Weights:
    if like:
        raise ZooError(f"{published.tag} is what it is: like={like!r} is for a file whose origin is not known")
    # Of a download it was checked; a package may be changed at any time.
    with open_state_dict(fetch(published), published.sha256 if published.package else "") as (_, state_dict):
        return from_state_dict(published.model, state_dict, origin_of_published(published))


def _from_file(name: str, path: Path, like: str, sha256: str = "") -> Weights:
    with open_weights(path, sha256) as file:
        if path.suffix in SAFETENSORS and read_safetensors(file).metadata.get("format") == FORMAT:
            found = load_file(file)
            if found.model != name:
                raise ZooError(f"{path} holds weights of {found.model}, not of {name}")
            if like:
                raise ZooError(f"{path} states its fields itself: leave out like={like!r}")
            return found
        state_dict = stored_state_dict(file)
        return from_state_dict(name, state_dict, origin_named(name, like) if like else origin_of_file(name, file))
