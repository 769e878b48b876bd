"""The pages of the site, and links between them: a page in the repository keeps its links, which work there too."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The README's tables are a page of the site, which is made from the registry.
NETWORKS = (Path("README.md"), "#all-networks")
PICTURES = (".jpg", ".png", ".svg", ".webp")
FENCE = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
HTML_LINK = re.compile(r'(?P<name>href|src)="(?P<target>[^"#]+)(?P<anchor>#[^"]*)?"')


class BrokenLink(Exception):
    """A link to a file that the repository does not have."""


@cache
def site_pages() -> dict[Path, Path]:
    """{page in the repository: page of the site}, both relative."""
    docs = Path("docs")
    found = {path.relative_to(ROOT): path.relative_to(ROOT / docs) for path in sorted((ROOT / docs).rglob("*.md"))}
    found.update({script: script.with_suffix(".md") for script in notebooks()})
    found[docs / "README.md"] = Path("index.md")
    found[Path("README.md")] = Path("overview.md")
    for name in ("CHANGELOG", "CONTRIBUTING"):
        found[Path(f"{name}.md")] = Path(f"{name.lower()}.md")
    return found


def notebooks() -> list[Path]:
    """The notebooks, which are scripts."""
    return [path.relative_to(ROOT) for path in sorted((ROOT / "notebooks").glob("*.py"))]


def page_text(page: Path) -> str:
    """The text of a page of the repository; of the README without what follows the guide, the layout and the tables."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.split("## Layout\n")[0].replace("# zoo\n", "# Overview\n", 1) if page == Path("README.md") else text


@dataclass(frozen=True)
class PageLinks:
    """The links of a page of the repository, as links of the site; `pictures` gets those that the page shows.

    A link to a page or a picture is one to its place in the site. One to other files, such as a folder of the sources,
    is its text alone.
    """

    page: Path
    pictures: set[Path]

    def replaced(self, text: str) -> str:
        """The text of the page with the links of the site. Raises BrokenLink."""
        parts = _parts(text)
        return "".join(part if is_code else self._replaced_in_prose(part) for part, is_code in parts)

    def _replaced_in_prose(self, text: str) -> str:
        return HTML_LINK.sub(self._html, MARKDOWN_LINK.sub(self._markdown, text))

    def _markdown(self, match: re.Match[str]) -> str:
        if ":" in match["target"]:
            return match[0]
        found = self._place(match, ".md")
        return f"[{match['text']}]({found})" if found else match["text"]

    def _html(self, match: re.Match[str]) -> str:
        return match[0] if ":" in match["target"] else f'{match["name"]}="{self._place(match, ".html")}"'

    def _place(self, match: re.Match[str], suffix: str) -> str | None:
        """Where the target is in the site; None if it is no part of that. Pages end with `suffix`."""
        path, anchor = Path(os.path.normpath(self.page.parent / match["target"])), match["anchor"] or ""
        if not (ROOT / path).exists():
            raise BrokenLink(f"{self.page} has a link to {match['target']}, which is not there")
        pages = site_pages()
        if path in pages:
            place, anchor = (Path("networks.md"), "") if (path, anchor) == NETWORKS else (pages[path], anchor)
            return os.path.relpath(place.with_suffix(suffix), pages[self.page].parent) + anchor
        if path.suffix in PICTURES:
            self.pictures.add(path)
            return os.path.relpath(Path("pictures") / path, pages[self.page].parent)
        return None


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in parts, each with whether it is a block of code."""
    end = 0
    for fence in FENCE.finditer(text):
        yield text[end : fence.start()], False
        yield fence[0], True
        end = fence.end()
    yield text[end:], False
