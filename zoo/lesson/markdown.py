"""The lesson as Markdown, for readers on the repository's page: python -m zoo.lesson.markdown > docs/lesson.md."""

import re
from html.parser import HTMLParser

from zoo.lesson.page import FILES, SECTIONS, template_values
from zoo.lesson.words import DEFAULT_LANGUAGE, words
from zoo.report.html.rendering import template_environment

INTRODUCTION = """# How a convolutional network sees

The lesson that this project comes from, in our own words. As a page it computes: `zoo lesson --out lesson.html` writes
one file whose questions check your answers, whose filters slide, and whose network looks at what you draw.

![The lesson's last section: a trained LeNet-5 computes each layer for a drawn digit](images/lesson-draw.webp)
"""
IMPORTS = (
    '{% from "parts/quiz.html.j2" import quiz with context %}'
    '{% from "parts/network.html.j2" import network, report_of with context %}'
)
# Documentation is tested by running its code.
NOT_RUN = "<!-- not run: it needs the data and takes minutes -->"
# What stands before and after an element inside of a line.
INLINE = {
    "b": ("**", "**"),
    "code": ("`", "`"),
    "sub": ("<sub>", "</sub>"),
    "sup": ("<sup>", "</sup>"),
    "small": ("(", ")"),
}
VOID = {"img", "input", "br", "meta", "link"}


def lesson_markdown() -> str:
    """All sections in English, with their questions, answers, code and pictures."""
    environment = template_environment(FILES.folders)
    values = template_values(picture_folder="../zoo/lesson/pictures/") | {"words": words(DEFAULT_LANGUAGE)}
    parts = [INTRODUCTION]
    for number, name in enumerate(SECTIONS, start=1):
        source = f'{IMPORTS}{{% include "{DEFAULT_LANGUAGE}/{name}.html.j2" %}}'
        parser = _Markdown(number)
        parser.feed(environment.from_string(source).render(**values))
        parts.append(parser.text())
    return "\n".join(parts)


class _Markdown(HTMLParser):
    """The elements that the lesson is written with; what needs a script or is drawn by the page is left out."""

    def __init__(self, number: int) -> None:
        super().__init__(convert_charrefs=True)
        self._number = number
        self._blocks: list[str] = []
        self._inline = ""
        self._left_out = 0
        self._open: list[str] = []
        self._link = ""
        self._rows: list[list[str]] = []
        # The number of the next note of a table; 0 outside of its notes.
        self._note = 0

    def text(self) -> str:
        """The section's Markdown."""
        return "\n\n".join(block for block in self._blocks if block.strip()) + "\n"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = dict(attrs)
        classes = (attributes.get("class") or "").split()
        # A note on scripts is for a reader of the page.
        note = {"without-script", "note"} <= set(classes)
        if self._left_out or note or {"with-script", "drawn"} & set(classes) or tag in ("noscript", "button", "label"):
            self._left_out += tag not in VOID
            return
        if tag == "img":
            self._blocks.append(f"![{attributes.get('alt', '')}]({attributes.get('src')})")
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "pre":
            self._block(f"{NOT_RUN}\n```sh" if "shell" in classes else "```python")
        elif tag == "a":
            self._link = attributes.get("href") or ""
            self._inline += "["
        elif tag in INLINE and "pre" not in self._open:
            self._inline += INLINE[tag][0]
        elif tag == "ol" and "table-notes" in classes:
            self._note = 1
        elif tag == "details":
            self._blocks.append("<details>")
        elif tag == "tr":
            self._rows.append([])

    def handle_endtag(self, tag: str) -> None:
        """Close an element: a block is complete."""
        if self._left_out:
            self._left_out -= tag not in VOID
            return
        if tag in VOID:
            return
        if self._open and self._open[-1] == tag:
            self._open.pop()
        self._close(tag)

    def _close(self, tag: str) -> None:
        if tag == "a":
            target = self._link if self._link.startswith("http") else "#10-draw-for-a-trained-network"
            self._inline += f"]({target})"
        elif tag in INLINE and "pre" not in self._open:
            self._inline += INLINE[tag][1]
        elif tag == "h2":
            self._block(f"## {self._number}. {self._taken()}")
        elif tag == "h3":
            self._block(f"**{self._taken()}.**" if "form" in self._open else f"### {self._taken()}")
        elif tag in ("p", "figcaption"):
            self._block(self._taken())
        elif tag == "li":
            self._item()
        elif tag == "ol":
            self._note = 0
        elif tag == "pre":
            self._blocks[-1] += "\n" + self._inline.strip("\n") + "\n```"
            self._inline = ""
        elif tag == "summary":
            self._taken()
            self._block("<summary>The answer</summary>")
        elif tag == "details":
            self._block("</details>")
        elif tag in ("td", "th"):
            self._rows[-1].append(self._taken())
        elif tag == "caption":
            self._block(f"*{self._taken()}*")
        elif tag == "table":
            self._table()

    def handle_data(self, data: str) -> None:
        """Text; white space folds outside of code."""
        if not self._left_out:
            self._inline += data if "pre" in self._open else re.sub(r"\s+", " ", data)

    def _taken(self) -> str:
        text, self._inline = re.sub(" +", " ", self._inline).strip(), ""
        return text

    def _block(self, text: str) -> None:
        self._inline = ""
        self._blocks.append(text)

    def _item(self) -> None:
        item = f"{f'{self._note}.' if self._note else '-'} {self._taken()}"
        follows = self._blocks[-1].startswith("- ") or self._note > 1
        self._note += bool(self._note)
        if follows:
            self._blocks[-1] += f"\n{item}"
        else:
            self._blocks.append(item)

    def _table(self) -> None:
        lines = ["| " + " | ".join(row) + " |" for row in self._rows]
        lines.insert(1, "|" + "---|" * len(self._rows[0]))
        self._rows = []
        self._blocks.append("\n".join(lines))


if __name__ == "__main__":
    print(lesson_markdown(), end="")
