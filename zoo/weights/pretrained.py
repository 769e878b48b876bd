"""Pretrained networks by name."""

from dataclasses import replace
from pathlib import Path

from zoo.errors import ZooError
from zoo.registry import model_info
from zoo.runtime.home_folder import expand_home
from zoo.runtime.similar_paths import similar_paths
from zoo.runtime.web.url import redacted
from zoo.weights.fetch import check_commit, commit_of, fetch, fetch_url, local_file, stated_digest
from zoo.weights.files import FORMAT, Weights, load_file
from zoo.weights.from_state_dict import from_state_dict
from zoo.weights.hub_weights import fetch_hub_weights, is_hub_name
from zoo.weights.origin import network_beside, origin_named, origin_of_file, origin_of_published
from zoo.weights.published import PublishedWeights, find_published, published_weights, unknown_weights
from zoo.weights.read_state_dict import SAFETENSORS, SUFFIXES, open_state_dict, stored_state_dict
from zoo.weights.safetensors_file import read_safetensors
from zoo.weights.source import source_of_file, source_of_published
from zoo.weights.stored_array import open_weights


def load_pretrained(name: str, weights: str | Path | None = None, *, like: str = "") -> Weights:
    """The weights of a network, with its preprocessing and, where they are known, class names.

    `load_pretrained("resnet50").predict("cat.jpg")` gives the most probable classes of an image, and
    `model, variables = load_pretrained("resnet50")` the network and its variables.

    `load_pretrained("hf://user/name")` reads a repository of the hub that states its network: zoo's own, or one of
    timm's whose architecture zoo has.

    `weights` is a tag of `zoo weights NAME` or part of one ("torchvision", "IMAGENET1K_V2"; with @COMMIT a
    revision at the hub), a file (ours, .safetensors, .npz, .pth), a folder with one, hf://user/name (with
    @REVISION or /FILE), or a file:// or https:// URL (which may end with #sha256=...). None is the first of
    `zoo weights NAME`, on every machine. A file of another
    library must fit the network, but may have another number of classes. `like` is the tag of the published weights
    that such a file was trained from, or timm's name of its architecture: their fields and preprocessing are the
    file's. Raises ZooError where the weights are not available or not of this network.
    """
    if is_hub_name(name):
        if weights is not None:
            raise ZooError(f"{name} is the name of weights: leave out weights={weights}, or name a network")
        return _from_file(None, fetch_hub_weights(name), like, shown=name)
    model_info(name)
    if weights is None:
        return _default(name, like)
    if isinstance(weights, str):
        if path := fetched(weights):
            return _from_file(name, path, like, stated_digest(weights), redacted(weights))
        if published := _tagged(name, weights):
            return _from_published(published, like)
    path = expand_home(weights)
    if path.is_dir():
        return _from_file(name, weights_file(path), like)
    if not path.exists():
        is_path = isinstance(weights, Path) or path.suffix in SUFFIXES
        if not is_path:
            raise unknown_weights(name, str(weights))
        raise ZooError(f"there is no file {path}{similar_paths(path) or ': check the path'}")
    return _from_file(name, path, like)


# Its name while `load_pretrained` returned a pair.
open_pretrained = load_pretrained


def fetched(weights: str) -> Path | None:
    """The file of hf://user/name or of a URL, downloaded where it is not here; None for all else."""
    if is_hub_name(weights):
        return fetch_hub_weights(weights)
    return fetch_url(weights) if "://" in weights else None


def absolute_name(name: str, weights: str) -> str:
    """The same `weights` of `load_pretrained` from any current folder: a path is absolute, the default has its tag."""
    if not weights:
        return default_weights(name).tag
    if "://" in weights or _tagged(name, weights):
        return weights
    return str(expand_home(weights).resolve())


def default_weights(name: str) -> PublishedWeights:
    """A network's first published weights, whatever is on this machine. Raises ZooError where none are published."""
    all_published = published_weights(name)
    if not all_published:
        raise ZooError(f"no pretrained weights are known for {name}: give a weights file, or --checkpoint with a run")
    return all_published[0]


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


def _default(name: str, like: str) -> Weights:
    """The default weights. Where they are not available, the error says which others are."""
    published = default_weights(name)
    try:
        fetch(published)
    except ZooError as error:
        if not (others := published_weights(name)[1:]):
            raise
        here = [other.tag for other in others if local_file(other)]
        advice = f"{here[0]} is on this machine: name it to use it" if here else f"zoo weights {name} lists others"
        raise ZooError(f"{error}; {advice}") from error
    return _from_published(published, like)


def _from_published(published: PublishedWeights, like: str) -> Weights:
    if like:
        raise ZooError(f"{published.tag} is what it is: like={like!r} is for a file whose origin is not known")
    # Of a download it was checked; a package may be changed at any time.
    with open_state_dict(fetch(published), published.sha256 if published.package else "") as (file, state_dict):
        found = from_state_dict(published.model, state_dict, origin_of_published(published))
        return replace(found, source=source_of_published(published, file, commit_of(published)))


def _from_file(name: str | None, path: Path, like: str, sha256: str = "", shown: str = "") -> Weights:
    """`name` is None for the network that the file states."""
    with open_weights(path, sha256) as file:
        if path.suffix in SAFETENSORS and read_safetensors(file).metadata.get("format") == FORMAT:
            found = load_file(file, name)
            if name is not None and found.model != name:
                raise ZooError(f"{path} holds weights of {found.model}, not of {name}")
            if like:
                raise ZooError(f"{path} states its fields itself: leave out like={like!r}")
            return found
        state_dict = stored_state_dict(file)
        name = name or network_beside(path)
        origin = origin_named(name, like) if like else origin_of_file(name, file)
        return replace(from_state_dict(name, state_dict, origin), source=source_of_file(file, origin.published, shown))
