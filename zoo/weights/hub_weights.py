"""Weights of the Hugging Face hub by name, as hf://OWNER/NAME: downloaded once, with their config.json.

The form of the name is that of other libraries: https://huggingface.co/docs/huggingface_hub/guides/hf_file_system
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from zoo.errors import ZooError
from zoo.printable import quoted, shown_bytes
from zoo.runtime.regular_file import read_regular
from zoo.runtime.system_errors import reason
from zoo.runtime.web.download import download
from zoo.runtime.web.hub import HubFile, HubRepository, hub_headers, hub_model
from zoo.weights.hub_cache import hub_folder, known_commit, remember_commit

SCHEME = "hf://"
NAME = re.compile(
    r"hf://(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>refs/pr/\d+|[^/\0]+))?(/(?P<file>\w[\w.+-]*))?", re.ASCII
)
OTHER_KINDS = ("datasets", "spaces", "buckets")
# The names of a repository's weights, those of zoo and timm first.
FILES = ("model.safetensors", "pytorch_model.bin")
CONFIG = "config.json"
MAX_CONFIG_BYTES = 2**24


@dataclass(frozen=True)
class HubName:
    """A model's repository, a branch or a commit, and the file that is meant ("": one of `FILES`)."""

    repository: str
    revision: str
    file: str


def is_hub_name(name: object) -> bool:
    """Whether a name is meant as one of the hub."""
    return isinstance(name, str) and name.startswith(SCHEME)


def parse_name(name: str) -> HubName:
    """The parts of hf://OWNER/NAME[@REVISION][/FILE]. Raises ZooError."""
    match = NAME.fullmatch(name)
    if match is None or match["repository"].split("/")[0] in OTHER_KINDS:
        raise ZooError(
            f"{quoted(name)} is no model of the hub: write hf://OWNER/NAME, then @BRANCH or @COMMIT for another "
            "revision than main, or /FILE for another file than model.safetensors"
        )
    return HubName(match["repository"], unquote(match["revision"] or "main"), match["file"] or "")


def fetch_hub_weights(name: str) -> Path:
    """The weights file of hf://OWNER/NAME, downloaded where it is not on this machine, beside its config.json.

    A branch stays the commit that it was at its first download. Digests are checked. Raises ZooError where the hub has
    no such file, or it cannot be downloaded.
    """
    asked = parse_name(name)
    if path := _local_file(asked):
        return path
    found = hub_model(asked.repository, asked.revision)
    file = _weights_file(asked, found)
    folder = hub_folder(asked.repository) / found.commit
    if CONFIG in found.files:
        _fetch_config(found.files[CONFIG], found.sizes[CONFIG], folder / CONFIG)
    weights = found.files[file]
    if not weights.sha256:
        raise ZooError(f"the hub gives no SHA-256 of {file} of {asked.repository}: an unchecked file is not downloaded")
    path = download(weights.url, folder / file, weights.sha256, headers=hub_headers())
    remember_commit(asked.repository, asked.revision, found.commit)
    return path


def _local_file(asked: HubName) -> Path | None:
    commit = known_commit(asked.repository, asked.revision)
    if not commit:
        return None
    paths = (hub_folder(asked.repository) / commit / file for file in ([asked.file] if asked.file else FILES))
    return next((path for path in paths if path.is_file()), None)


def _weights_file(asked: HubName, found: HubRepository) -> str:
    for file in [asked.file] if asked.file else FILES:
        if file in found.files:
            return file
    missing = asked.file or " and no ".join(FILES)
    others = [name for name in sorted(found.files) if NAME.fullmatch(f"{SCHEME}{asked.repository}/{name}")]
    files = ", ".join(others[:8]) or "none"
    raise ZooError(f"{asked.repository} has no {missing} at {asked.revision}: its files are {files}")


def _fetch_config(config: HubFile, size: int, path: Path) -> None:
    """Download a config.json, and compare it with its digest: a small file has that of Git."""
    if size > MAX_CONFIG_BYTES:
        raise ZooError(f"{config.url} has {shown_bytes(size)}, which is no configuration: nothing is downloaded")
    existed = path.is_file()
    download(config.url, path, config.sha256, headers=hub_headers())
    if existed or config.sha256:
        return
    try:
        content = read_regular(path)
    except OSError as error:
        raise ZooError(f"cannot read {path}: {reason(error)}") from None
    if hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() != config.git_sha1:
        path.unlink(missing_ok=True)
        raise ZooError(f"{config.url} is not what the hub states: its digest differs; try again later")
