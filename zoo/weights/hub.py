"""The Hugging Face hub's metadata of a file before it is downloaded: its URL at a commit, and its SHA-256."""

import os
import re
from dataclasses import dataclass

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
    """A file at a commit; its content never changes."""

    url: str
    commit: str
    sha256: str


def hub_file(repository: str, file: str, revision: str, limits: Limits = LIMITS) -> HubFile:
    """Ask the hub for a file at a branch or commit; the environment variable HF_ENDPOINT sets another hub.

    Raises ZooError where huggingface_hub is not installed, the hub does not answer within `limits.header_seconds`, or
    has no such file.
    """
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
    except ImportError:
        raise ZooError(
            f"downloading {repository} needs huggingface_hub: pip install huggingface_hub, or give a weights file"
        ) from None
    endpoint = os.environ.get("HF_ENDPOINT")
    url = hf_hub_url(repository, file, revision=revision, endpoint=endpoint)
    parse_url(url)
    try:
        metadata = call_within(limits.header_seconds, get_hf_file_metadata, url)
    except CallTimeout:
        raise ZooError(f"cannot reach the hub for {repository} (no response in time): {_WITHOUT}") from None
    except Exception as error:  # the class depends on the HTTP library that huggingface_hub uses
        raise ZooError(_reason(error, repository, file, revision)) from None
    commit, sha256 = metadata.commit_hash or "", metadata.etag or ""
    if not COMMIT.fullmatch(commit) or not SHA256.fullmatch(sha256):
        raise ZooError(
            f"the hub gives no commit and SHA-256 of {file} of {repository}: an unchecked file is not downloaded"
        )
    return HubFile(url=hf_hub_url(repository, file, revision=commit, endpoint=endpoint), commit=commit, sha256=sha256)


def _reason(error: Exception, repository: str, file: str, revision: str) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 404):
        return f"the hub has no {file} of {repository} at {revision}"
    if status:
        return f"the hub responded with {status} for {repository}"
    reason = redacted(one_line(error, 100))
    return f"cannot reach the hub for {repository} ({reason}): {_WITHOUT}"
