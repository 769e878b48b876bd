"""Where the files of the Hugging Face hub's models lie in the cache: a folder per commit, and what each branch was.

Which commit a branch was at its download stands in a file of its own, as in the hub's cache: the files of other commits
in the cache say nothing about the branch.
"""

from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from zoo.errors import ZooError
from zoo.runtime.atomic_files import replacing
from zoo.runtime.cache_folder import cache_folder
from zoo.runtime.regular_file import read_regular
from zoo.runtime.web.hub import COMMIT


def weights_folder() -> Path:
    """The part of the cache that has weights. The folder may not exist."""
    return cache_folder() / "weights"


def hub_folder(repository: str) -> Path:
    """The folder of a repository, with one folder per commit."""
    return weights_folder() / "hub" / repository


def known_commit(repository: str, revision: str) -> str:
    """The commit of a revision, which may be a branch; empty where it is not known on this machine."""
    if COMMIT.fullmatch(revision):
        return revision
    try:
        commit = read_regular(_commit_file(repository, revision)).decode("ascii").strip()
    except (OSError, UnicodeError):
        return ""
    return commit if COMMIT.fullmatch(commit) else ""


def remember_commit(repository: str, revision: str, commit: str) -> None:
    """Note which commit a branch is, for later calls without a network."""
    if revision == commit:
        return
    with suppress(OSError, ZooError):  # the files are there; without this, the hub is asked again
        path = _commit_file(repository, revision)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished:
            unfinished.write_text(commit, encoding="ascii")


def _commit_file(repository: str, revision: str) -> Path:
    return hub_folder(repository) / "refs" / quote(revision, safe="")
