"""The files of a folder that are no images to train on: counted by kind, and named."""

from collections.abc import Mapping, Sequence

from zoo.data.optional_formats import missing_format
from zoo.errors import list_some
from zoo.printable import counted, printable, shortened

# Paths below the folder that was listed, by suffix ("" for none) or "broken link".
OtherFiles = Mapping[str, Sequence[str]]

# Kinds of files that are named in the line; the rest are one number.
MAX_KINDS = 4
MAX_NAME = 80


def joined_kinds(*parts: OtherFiles) -> dict[str, list[str]]:
    """The files of all parts, by kind."""
    return {
        kind: [file for part in parts for file in part.get(kind, ())]
        for kind in dict.fromkeys(kind for part in parts for kind in part)
    }


def describe_left_out(others: OtherFiles, images: int = 0, folders: Sequence[str] = ()) -> str:
    """One line about files that are no images by their suffix, and images outside of the classes; "" for none.

    `folders` are those of the latter, as far as they are known. A file of each kind is named. Photographs that only a
    missing library could read come first, with what to install.
    """
    kinds = sorted(others, key=lambda kind: (missing_format(kind) is None, -len(others[kind])))
    parts = [_describe_kind(kind, others[kind]) for kind in kinds[:MAX_KINDS]]
    if rest := sum(len(others[kind]) for kind in kinds[MAX_KINDS:]):
        parts.append(f"{rest} of other kinds")
    if images:
        where = f" (in {list_some(map(printable, folders))})" if folders else ""
        parts.append(f"{counted(images, 'image')} outside of the class folders that are used{where}")
    return f"files left out: {', '.join(parts)}" if parts else ""


def _describe_kind(kind: str, files: Sequence[str]) -> str:
    missing, first = missing_format(kind), shortened(printable(min(files)), MAX_NAME)
    name = first if len(files) == 1 else f"{first} and others"
    note = f"{name}; to read {missing.name}: {missing.advice}" if missing else name
    return f"{len(files)} {kind or 'without suffix'} ({note})"
