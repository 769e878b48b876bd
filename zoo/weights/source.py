"""Where the weights in use come from, for the line that says so."""

from dataclasses import dataclass
from io import BufferedReader

from zoo.weights.published import PublishedWeights
from zoo.weights.stored_array import sha256_of

SHOWN_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class WeightsSource:
    """A file of weights, as it was read.

    `name` is the tag of published weights, or the path or URL of a file; `address` is where published weights are from,
    or the tag of which the file is a copy. `revision` is the commit of a file at the hub. `sha256` is that of the file.
    What is not known is empty.
    """

    name: str
    address: str = ""
    revision: str = ""
    sha256: str = ""
    licence: str = ""

    def __str__(self) -> str:
        """One line."""
        known = {"revision": self.revision[:SHOWN_DIGITS], "SHA-256": self.sha256[:SHOWN_DIGITS]}
        parts = [self.address, *(f"{name} {value}" for name, value in known.items() if value)]
        parts.append(f"licence {self.licence}" if self.licence else "")
        known_parts = ", ".join(filter(None, parts))
        return f"{self.name} ({known_parts})" if known_parts else self.name


def source_of_published(published: PublishedWeights, file: BufferedReader, commit: str) -> WeightsSource:
    """The source of an open file of published weights; `commit` is its revision at the hub."""
    return WeightsSource(
        name=published.tag,
        address=published.address,
        revision=commit,
        sha256=sha256_of(file),
        licence=published.licence,
    )


def source_of_file(file: BufferedReader, published: PublishedWeights | None = None, name: str = "") -> WeightsSource:
    """The source of any other open file, whose path is its `name` by default; `published` is what it is a copy of."""
    return WeightsSource(
        name=name or str(file.name),
        address=f"a copy of {published.tag}" if published else "",
        sha256=sha256_of(file),
        licence=published.licence if published else "",
    )
