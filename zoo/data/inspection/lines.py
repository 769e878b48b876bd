"""A survey in two lines, which a run prints before it learns."""

from collections.abc import Sequence

from zoo.data.inspection.look import LookedAt
from zoo.data.inspection.survey import Copies, Survey
from zoo.errors import list_first
from zoo.printable import counted, shell_command, shortened

# From here on classes are called imbalanced: the smallest has less than a third of the images of the largest.
IMBALANCED = 3
# Files in a line; more are counted.
MAX_NAMES = 2
# Findings in a line, and characters of each: names may be long.
MAX_FINDINGS = 3
MAX_FINDING = 120


def two_lines(found: Survey, *, balanced: bool) -> tuple[str, str]:
    """What will be learned, and what was found by looking at it: the worst of it, and where the rest is.

    `balanced` says that a run weights the classes.
    """
    copies, *worse = describe_copies(found)
    findings = [*filter(None, (describe_unreadable(found.looked_at), *worse, found.left_out, copies))]
    shown = [shortened(finding, MAX_FINDING) for finding in findings[:MAX_FINDINGS]]
    rest = [] if shown == findings else [f"{shell_command(['zoo', 'data', found.folder or found.name])} shows all"]
    return describe_classes(found, balanced=balanced), "; ".join([describe_looked_at(found), *shown, *rest])


def describe_classes(found: Survey, *, balanced: bool) -> str:
    """The name, the splits, the classes and their sizes, and whether these differ much."""
    name = f"{found.name} ({found.folder})" if found.folder else found.name
    line = (
        f"{name}: {found.training} training and {found.test} test images ({found.split}), {len(found.classes)} classes"
    )
    if counts := found.training_counts:
        line += f" of {_range(min(counts), max(counts))} training images"
    elif balanced:
        line += " (all images are read to count them, for --balance)"
    if found.imbalance < IMBALANCED:
        return line
    weighted = "weighted by --balance" if balanced else "--balance weights them"
    return f"{line}, the largest {found.imbalance:.3g} times the smallest ({weighted})"


def describe_looked_at(found: Survey) -> str:
    """How many images were looked at, their sizes and channels."""
    looked = found.looked_at
    images = looked.images - len(looked.unreadable) if looked.decoded else looked.images
    all_of = "all" if images == found.total else f"{images} of"
    start = f"{all_of} {found.total} images {'decoded' if looked.decoded else 'looked at'}"
    if looked.smallest is None or looked.largest is None or looked.median is None:
        return start
    smallest, median, largest = ("x".join(map(str, size)) for size in (looked.smallest, looked.median, looked.largest))
    sizes = smallest if smallest == largest else f"{smallest} to {largest} (median {median})"
    return f"{start}: {sizes} pixels, {describe_channels(looked)}"


def describe_channels(looked: LookedAt) -> str:
    """How many are grey and how many in colour."""
    if looked.grey and looked.colour:
        return f"{looked.colour} in colour and {looked.grey} grey"
    return "grey" if looked.grey else "in colour"


def describe_unreadable(looked: LookedAt) -> str:
    """How many cannot be read, and the first; "" for none."""
    names = [image.name for image in looked.unreadable]
    return f"{len(names)} cannot be read ({list_first(names, MAX_NAMES)})" if names else ""


def describe_copies(found: Survey) -> list[str]:
    """How many images are copies of others; then how many are in both splits, and in several classes, if any are."""
    if not found.copies:
        return [f"no copies among {found.compared} images compared"]
    copies = sum(len(group.images) - 1 for group in found.copies)
    compared = f"{copies} cop{'y' if copies == 1 else 'ies'} among {found.compared} images compared"
    parts = [f"{compared} ({equal_images(found.copies[0])})"]
    if found.leaked:
        number, names = counted(len(found.leaked), "image"), leaked_images(found.leaked[0])
        parts.append(f"{number} in both splits, and the test accuracy will be too high ({names})")
    if found.contradictory:
        number, names = counted(len(found.contradictory), "image"), contradictory_images(found.contradictory[0])
        parts.append(f"{number} in several classes ({names})")
    return parts


def equal_images(group: Copies) -> str:
    """The names of images with the same contents."""
    return list_first(group.images, MAX_NAMES, " = ")


def leaked_images(group: Copies) -> str:
    """The same, beginning with one of each split."""
    return list_first(_first_of_each(group.images, group.splits), MAX_NAMES, " = ")


def contradictory_images(group: Copies) -> str:
    """The same, beginning with one of each class."""
    return list_first(_first_of_each(group.images, group.classes), MAX_NAMES, " = ")


def _first_of_each(names: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """The first name of each kind, then the others."""
    first = {kind: index for index, kind in reversed([*enumerate(kinds)])}
    return [name for _, name in sorted(enumerate(names), key=lambda item: first[kinds[item[0]]] != item[0])]


def _range(smallest: int, largest: int) -> str:
    return f"{smallest}" if smallest == largest else f"{smallest} to {largest}"
