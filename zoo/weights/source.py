"""Where the weights in use come from, for the line that says so."""

from dataclasses import dataclass, replace
from io import BufferedReader

from zoo.runtime.record_types import Name
from zoo.weights.published import PublishedWeights
from zoo.weights.stored_array import sha256_of

SHOWN_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class MadeFrom:
    """The published weights that a file of zoo was made from, as it says in its metadata."""

    tag: Name
    revision: Name = ""
    licence: Name = ""


@dataclass(frozen=True, kw_only=True)
class WeightsSource:
    """A file of weights, as it was read, or a checkpoint of a run: its `step`, with the run's folder as `name`.

    `name` is the tag of published weights, or the path or URL of a file. `tag` is that of the published weights which
    the file is, is a copy of, or was made from, and `address` says which of these, and where they are from. `revision`
    is their commit at the hub. `sha256` is that of the file. What is not known is empty.
    """

    name: str
    tag: str = ""
    address: str = ""
    revision: str = ""
    sha256: str = ""
    licence: str = ""
    step: int | None = None

    def __str__(self) -> str:
        """One line."""
        known = {"revision": self.revision[:SHOWN_DIGITS], "SHA-256": self.sha256[:SHOWN_DIGITS]}
        parts = [self.address, *(f"{name} {value}" for name, value in known.items() if value)]
        parts.append(f"licence {self.licence}" if self.licence else "")
        known_parts = ", ".join(filter(None, parts))
        name = self.name if self.step is None else f"step {self.step} of {self.name}"
        return f"{name} ({known_parts})" if known_parts else name


def source_of_published(published: PublishedWeights, file: BufferedReader, commit: str) -> WeightsSource:
    """The source of an open file of published weights; `commit` is its revision at the hub."""
    return WeightsSource(
        name=published.tag,
        tag=published.tag,
        address=published.address,
        revision=commit,
        sha256=sha256_of(file),
        licence=published.licence,
    )


def source_of_file(file: BufferedReader, published: PublishedWeights | None = None, name: str = "") -> WeightsSource:
    """The source of any other open file, whose path is its `name` by default; `published` is what it is a copy of."""
    return WeightsSource(
        name=name or str(file.name),
        tag=published.tag if published else "",
        address=f"a copy of {published.tag}" if published else "",
        sha256=sha256_of(file),
        licence=published.licence if published else "",
    )


def source_of_own_file(file: BufferedReader, made_from: MadeFrom | None) -> WeightsSource:
    """The source of an open file of zoo."""
    source = source_of_file(file)
    if made_from is None:
        return source
    address = f"made from {made_from.tag}"
    return replace(source, tag=made_from.tag, address=address, revision=made_from.revision, licence=made_from.licence)


def made_from(source: WeightsSource | None) -> MadeFrom | None:
    """What a new file says of the published weights that it is made from; paths stay on this machine."""
    if source is None or not source.tag:
        return None
    return MadeFrom(tag=source.tag, revision=source.revision, licence=source.licence)
