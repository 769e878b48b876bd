"""Show the caches, with their sizes, and empty them.

zoo cache
zoo cache clear                    all but the data sets (`datasets`, `hub`), which may take long to prepare again
zoo cache clear weights datasets

The caches are `weights` (downloads), `shards` (where the images of tar files are), `hub` (data sets of the Hugging Face
hub), `programs` (compiled by XLA), `datasets` (prepared by TFDS) and `fonts` (Matplotlib's list). All that is removed
can be made again. Other files in these folders stay, and so does what another process downloads, prepares or reads
now, and data sets of one's own or of files that were downloaded by hand.
ZOO_CACHE, JAX_COMPILATION_CACHE_DIR, TFDS_DATA_DIR and MPLCONFIGDIR set other folders.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from zoo.printable import counted, printable, shown_bytes

if TYPE_CHECKING:
    from zoo.caches.kinds import Cache

HELP = "show the caches, and empty them"
# Of a kind, for each cache.
MAX_NOTES = 3
# As in `zoo.caches.kinds`, whose import takes a second.
NAMES = ("weights", "shards", "hub", "programs", "datasets", "fonts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `cache`."""
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.set_defaults(clear=False)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    clear = actions.add_parser(
        "clear",
        prog=f"{parser.prog} clear",
        help="remove what is in the caches",
        description=f"Remove what is in the named caches, by default in all but the data sets. {parser.prog} --help "
        "says what stays.",
    )
    clear.add_argument("names", nargs="*", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    clear.set_defaults(clear=True)


def run(args: argparse.Namespace) -> int:
    """Print a line per cache; the exit status is 2 where one cannot be read, or something cannot be removed."""
    from zoo.caches.kinds import CACHES

    if args.clear:
        chosen = [cache for cache in CACHES if cache.name in args.names or not (args.names or cache.by_name_only)]
        return max([_clear(cache) for cache in chosen], default=0)
    return _show(args.json)


def _show(as_json: bool) -> int:
    import json

    from zoo.caches.kinds import CACHES
    from zoo.caches.states import cache_states
    from zoo.runtime.console import print_note
    from zoo.runtime.text_tables import print_table

    states = cache_states(CACHES)
    if as_json:
        print(json.dumps([state.json_object() for state in states], indent=2))
    else:
        cells = [
            [
                state.name,
                shown_bytes(state.amount.bytes),
                f"{state.amount.files:,}",
                state.contents,
                state.folder or "-",
            ]
            for state in states
        ]
        print_table(["name", "size", "files", "contents", "folder"], cells, [True, False, False, True, True])
    problems = [state for state in states if state.problem]
    for state in problems:
        print_note(f"{state.name}: {state.problem}")
    return 2 if problems else 0


def _clear(cache: Cache) -> int:
    from zoo.caches.emptying import empty
    from zoo.errors import ZooError
    from zoo.runtime.console import print_note
    from zoo.runtime.system_errors import reason

    try:
        emptied = empty(cache)
    except (ZooError, OSError) as error:
        print_note(f"{cache.name}: {error if isinstance(error, ZooError) else reason(error)}")
        return 2
    print(f"{cache.name}: {shown_bytes(emptied.removed.bytes)} freed, {counted(emptied.removed.files, 'file')} removed")
    kept = [f"{printable(path)} stays: {why}" for path, why in emptied.kept]
    refused = [f"cannot remove {printable(path)}: {why}" for path, why in emptied.refused]
    for notes in (kept, refused):
        for note in notes[:MAX_NOTES]:
            print_note(note)
        if len(notes) > MAX_NOTES:
            print_note(f"{cache.name}: the same of {counted(len(notes) - MAX_NOTES, 'more file')}")
    return 2 if emptied.refused else 0
