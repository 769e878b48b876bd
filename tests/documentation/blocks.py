"""The code blocks of a Markdown page, and what is said about running them.

A block of `python` or `sh` runs, and so does one that begins with "$ ". Where a page needs what a fresh clone does not
have, a comment above the block says why it is not run: <!-- not run: the reason -->. <!-- nothing on this page is run:
the reason --> is for all that follow. <!-- test --> is above what CI runs by itself, and
<!-- these commands fail --> above what must end with another status than 0. A block without a language is the output of
the one above it.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\n+\Z", re.DOTALL)
NOTHING_RUN = re.compile(r"<!-- nothing on this page is run: (.+?) -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block that can run: `kind` is python, sh or console; `reason` is why it does not, `output` what it prints.

    `section` is the heading above it.
    """

    page: Path
    line: int
    kind: str
    code: str
    reason: str
    output: str = ""
    fails: bool = False
    section: str = ""

    @property
    def where(self) -> str:
        """The file and the line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The blocks in order; those of outputs are parts of the block above."""
    text = page.read_text(encoding="utf-8")
    whole_page = NOTHING_RUN.search(text)
    found: list[Block] = []
    end = 0
    for fence in FENCE.finditer(text):
        language, code = fence.groups()
        above = text[end : fence.start()]
        end, line = fence.end(), text.count("\n", 0, fence.start()) + 1
        section = (SECTION.findall(text[: fence.start()]) or [""])[-1]
        marked = NOT_RUN.search(above) or (whole_page if whole_page and whole_page.start() < fence.start() else None)
        reason = " ".join(marked[1].split()) if marked else "CI runs it by itself" * above.endswith("<!-- test -->\n")
        if language in ("python", "sh"):
            found.append(Block(page, line, language, code, reason, section=section))
        elif not language and code.startswith("$ "):
            fails = above.endswith("<!-- these commands fail -->\n")
            found.append(Block(page, line, "console", code, reason, fails=fails, section=section))
        elif not language and found and not above.strip():
            found[-1] = replace(found[-1], output=code)
    return found


def commands_of(block: Block) -> list[tuple[str, str]]:
    """The commands of a block for the shell, each with the output that the page shows, "" for none."""
    if block.kind == "sh":
        return [(block.code, block.output)]
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]
    commands = []
    for part in parts:
        lines = part.splitlines(keepends=True)
        length = next(index for index, line in enumerate(lines, 1) if not line.endswith("\\\n"))
        commands.append(("".join(lines[:length]), "".join(lines[length:])))
    return commands
