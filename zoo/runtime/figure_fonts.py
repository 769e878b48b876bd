"""Fonts for the text of figures: names of classes and files are in any script, and no font has them all.

Matplotlib draws a box for a character that its font lacks, and warns. Here the fonts of the system that have it come
after Matplotlib's own. A word with a character that none has is a number in the figure, and has a line in its legend.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from zoo.printable import printable

# It has a box for every character.
LAST_RESORT = "Last Resort"
# What separates words: spaces, and the punctuation of labels and captions.
_WORD = re.compile(r"[^\s\"“”·,:;()]+")


@dataclass(frozen=True)
class FigureFonts:
    """`families` is the value of Matplotlib's `fontfamily`; `characters` are those that these fonts have.

    `numbers` has, for each word of the texts that they cannot draw, what a figure shows in its place, such as "#1".
    """

    families: list[str]
    characters: frozenset[str]
    numbers: Mapping[str, str]

    def legible(self, text: str) -> str:
        """One of the texts, with numbers for words that cannot be drawn; marks without a picture are left out."""
        return _WORD.sub(lambda word: self.numbers.get(word[0], word[0]), _without_marks(text, self.characters))

    @property
    def legend(self) -> str:
        """What the numbers stand for, and what draws it; "" without numbers."""
        if not self.numbers:
            return ""
        names = ", ".join(f"{number} is {printable(word)}" for word, number in self.numbers.items())
        return f"{names}; a font that has their characters, such as Noto Sans CJK, would draw them"


def fonts_for(texts: Iterable[str]) -> FigureFonts:
    """Matplotlib's default fonts, then those of the system that have characters of the texts that the former lack."""
    from matplotlib.font_manager import FontProperties

    texts = tuple(texts)
    families = list(FontProperties().get_family())
    characters = {"\n"}.union(*map(_characters, families))
    missing = _needed(texts) - characters
    for name in _other_families():
        if not missing:
            break
        if missing & (found := _characters(name)):
            families.append(name)
            characters |= found
            missing -= found
    drawable = frozenset(characters)
    words = (word for text in texts for word in _WORD.findall(_without_marks(text, drawable)))
    undrawable = dict.fromkeys(word for word in words if not drawable.issuperset(word))
    return FigureFonts(families, drawable, {word: f"#{number}" for number, word in enumerate(undrawable, start=1)})


def _needed(texts: Iterable[str]) -> set[str]:
    return {one for one in set().union(*texts) if not (one.isspace() or _is_mark(one))}


def _other_families() -> Iterator[str]:
    """The families that Matplotlib has listed; then those that were installed since it stored its list."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {font.name for font in fontManager.ttflist}
    yield from sorted(name for name in listed if not name.startswith(LAST_RESORT))
    for path in sorted(set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}):
        try:
            fontManager.addfont(path)
        # As Matplotlib: a font that it cannot read, for whatever reason, is no font.
        except Exception:
            continue
    yield from sorted({font.name for font in fontManager.ttflist} - listed)


def _characters(family: str) -> set[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    try:
        font = get_font(findfont(FontProperties(family=[family])))
        # Fonts of bitmaps, such as colour emoji, cannot be drawn.
        return {chr(code) for code in font.get_charmap()} if font.scalable else set()
    except (OSError, RuntimeError):
        return set()


def _without_marks(text: str, drawable: frozenset[str]) -> str:
    """The text without marks that have no picture, and with plain spaces, where fonts lack them."""
    shown = (one for one in text if one in drawable or not _is_mark(one))
    return "".join(" " if one.isspace() and one not in drawable else one for one in shown)


def _is_mark(character: str) -> bool:
    """Joiners, direction marks and variation selectors."""
    return unicodedata.category(character) == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR")
