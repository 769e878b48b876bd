"""The Hugging Face hub's metadata of files before they are downloaded: their URLs at a commit, and their SHA-256."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

from zoo.errors import ZooError
from zoo.printable import one_line
from zoo.runtime.bounded_calls import CallTimeout, call_within
from zoo.runtime.web.limits import LIMITS, Limits
from zoo.runtime.web.url import parse_url, redacted

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
_WITHOUT = "without a network, give a file on this machine"


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """A file at a commit; its content never changes. `git_sha1` is that of a small file, which has no SHA-256."""

    url: str
    commit: str
    sha256: str
    git_sha1: str = ""


@dataclass(frozen=True, kw_only=True)
class HubRepository:
    """The files of a repository at a commit, by their names: those of which the hub states a digest.

    `sizes` are in bytes. The names are a stranger's: they may lead anywhere.
    """

    commit: str
    files: dict[str, HubFile]
    sizes: dict[str, int]


def hub_file(repository: str, file: str, revision: str, limits: Limits = LIMITS) -> HubFile:
    """Ask the hub for a file at a branch or commit; the environment variable HF_ENDPOINT sets another hub.

    Raises ZooError where huggingface_hub is not installed, the hub does not answer within `limits.header_seconds`, or
    has no such file.
    """
    check_installed(repository, "give a weights file")
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT")
    url = hf_hub_url(repository, file, revision=revision, endpoint=endpoint)
    parse_url(url)
    metadata = _ask(lambda: get_hf_file_metadata(url), repository, f"{file} of {repository} at {revision}", limits)
    commit, sha256 = metadata.commit_hash or "", metadata.etag or ""
    if not COMMIT.fullmatch(commit) or not SHA256.fullmatch(sha256):
        raise ZooError(
            f"the hub gives no commit and SHA-256 of {file} of {repository}: an unchecked file is not downloaded"
        )
    return HubFile(url=hf_hub_url(repository, file, revision=commit, endpoint=endpoint), commit=commit, sha256=sha256)


def hub_dataset(repository: str, revision: str, limits: Limits = LIMITS) -> HubRepository:
    """Ask the hub for the large files of a data set at a branch or commit. Raises ZooError as `hub_file`."""
    found = _hub_repository("dataset", repository, revision, limits)
    files = {name: file for name, file in found.files.items() if file.sha256}
    return replace(found, files=files, sizes={name: found.sizes[name] for name in files})


def hub_model(repository: str, revision: str, limits: Limits = LIMITS) -> HubRepository:
    """Ask the hub for the files of a model at a branch or commit. Raises ZooError as `hub_file`."""
    return _hub_repository("model", repository, revision, limits)


def _hub_repository(kind: Literal["dataset", "model"], repository: str, revision: str, limits: Limits) -> HubRepository:
    check_installed(repository, "give a folder")
    from huggingface_hub import HfApi, hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT")
    words = {"dataset": "data set", "model": "model"}
    ask = partial(HfApi(endpoint).repo_info, repository, revision=revision, repo_type=kind, files_metadata=True)
    found = _ask(ask, repository, f"{words[kind]} {repository} at {revision} for you", limits)
    if not COMMIT.fullmatch(found.sha or ""):
        raise ZooError(f"the hub gives no commit of {repository}: nothing is downloaded")
    files, sizes = {}, {}
    for one in found.siblings or []:
        sha256, git_sha1 = (one.lfs and one.lfs.sha256) or "", one.blob_id or ""
        if not SHA256.fullmatch(sha256):
            sha256 = ""
        if sha256 or COMMIT.fullmatch(git_sha1):
            url = hf_hub_url(repository, one.rfilename, repo_type=kind, revision=found.sha, endpoint=endpoint)
            files[one.rfilename] = HubFile(url=url, commit=found.sha, sha256=sha256, git_sha1=git_sha1)
            sizes[one.rfilename] = int(one.size or 0)
    return HubRepository(commit=found.sha, files=files, sizes=sizes)


def hub_headers() -> dict[str, str]:
    """The headers of a request to the hub: with the token of HF_TOKEN, or of `hf auth login`, where there is one."""
    from huggingface_hub import get_token

    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def check_installed(repository: str, otherwise: str) -> None:
    """Raises ZooError where huggingface_hub is not installed; `otherwise` is what to do without it."""
    if find_spec("huggingface_hub") is None:
        raise ZooError(f"{repository} of the hub needs huggingface_hub: pip install huggingface_hub, or {otherwise}")


def _ask(call: Callable[[], Any], repository: str, what: str, limits: Limits) -> Any:
    try:
        return call_within(limits.header_seconds, call)
    except CallTimeout:
        raise ZooError(f"cannot reach the hub for {repository} (no response in time): {_WITHOUT}") from None
    except Exception as error:  # the class depends on the HTTP library that huggingface_hub uses
        raise ZooError(_reason(error, repository, what)) from None


def _reason(error: Exception, repository: str, what: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403, 404):
        return f"the hub has no {what}: check the name, and set HF_TOKEN where it is not public"
    if status:
        return f"the hub responded with {status} for {repository}"
    reason = redacted(one_line(error, 100))
    return f"cannot reach the hub for {repository} ({reason}): {_WITHOUT}"
