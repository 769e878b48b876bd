"""The public result of `zoo.count.summarize`: the counts of a network, and the formats they can be written in."""

from dataclasses import dataclass

from zoo.counting import render
from zoo.counting.records import NetworkCounts


@dataclass(frozen=True, repr=False)
class Summary(NetworkCounts):
    """The counts of a network, which can be written as text, Markdown, CSV or JSON; `print` writes text."""

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """For notebooks."""
        return render.html(self)

    def to_text(self, *, width: int | None = None, without_sharing: bool = False) -> str:
        """A table for a terminal of `width` characters; columns that do not fit are left out and named below it.

        `without_sharing` adds a column with the parameters without sharing.
        """
        return render.text(self, width, without_sharing)

    def to_markdown(self, *, without_sharing: bool = False) -> str:
        """A Markdown table, then totals and notes as a list."""
        return render.markdown(self, without_sharing)

    def to_csv(self) -> str:
        """Comma-separated values: a header, then one line per row with all columns."""
        return render.csv_text(self)

    def to_json(self) -> str:
        """All rows and totals as JSON."""
        return render.json_text(self)
