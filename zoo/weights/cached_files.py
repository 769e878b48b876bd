"""The files of weights that zoo has downloaded into its cache, as `fetch` places them; other files are not touched."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo.runtime.cache_entries import CacheEntry, files_below, files_in
from zoo.runtime.web.download_lock import unless_downloading
from zoo.weights.published import all_published

# hub/OWNER/NAME/COMMIT/FILE, hub/OWNER/NAME/refs/BRANCH, url/HASH/DIGEST/FILE.
DOWNLOADED = re.compile(r"hub/[^/]+/[^/]+/([0-9a-f]{40}/.+|refs/[^/]+)|url/[0-9a-f]{16}/[^/]+/[^/]+")
UNFINISHED = re.compile(r"(?P<name>.+?)(?P<own>\.[0-9a-f]{8})?\.part")
UNKNOWN_WRITER = "a program may be downloading it; remove it by hand when none is"


def cached_weights(folder: Path) -> Iterator[CacheEntry]:
    """The downloaded files in a cache's folder, and what is left of unfinished downloads."""
    for path in _own_files(folder):
        unfinished = UNFINISHED.fullmatch(path.name)
        if unfinished and unfinished["own"]:
            # It is of a file system without locks: nothing says whether a program still writes it.
            yield CacheEntry(path, kept=lambda: UNKNOWN_WRITER)
        else:
            complete = path.with_name(unfinished["name"]) if unfinished else path
            yield CacheEntry(path, partial(unless_downloading, complete))


def _own_files(folder: Path) -> Iterator[Path]:
    for kind in ("hub", "url"):
        for path in files_below(folder / kind):
            if DOWNLOADED.fullmatch(path.relative_to(folder).as_posix()) and path.suffix != ".lock":
                yield path
    published = {(one.tag.partition("/")[0], one.file) for one in all_published() if one.url}
    for publisher in sorted({publisher for publisher, _ in published}):
        for path in files_in(folder / publisher):
            unfinished = UNFINISHED.fullmatch(path.name)
            if (publisher, unfinished["name"] if unfinished else path.name) in published:
                yield path
