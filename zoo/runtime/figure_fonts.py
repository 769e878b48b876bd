"""Fonts for the text of figures: names of classes and files are in any script, and no font has them all.

Matplotlib draws a box for a character that its font lacks, and warns. Here the fonts of the system that have it come
after Matplotlib's own; a character that none has is escaped, as \\u732b.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# It has a box for every character.
LAST_RESORT = "Last Resort"


@dataclass(frozen=True)
class FigureFonts:
    """`families` is the value of Matplotlib's `fontfamily`; `characters` are those that these fonts have."""

    families: list[str]
    characters: frozenset[str]

    def legible(self, text: str) -> str:
        """The text with characters that none of the fonts has escaped; marks without a picture are left out."""
        return "".join(one if one in self.characters else _escape(one) for one in text)


def fonts_for(texts: Iterable[str]) -> FigureFonts:
    """Matplotlib's default fonts, then those of the system that have characters of the texts that the former lack."""
    from matplotlib.font_manager import FontProperties, fontManager

    families = list(FontProperties().get_family())
    characters = {"\n"}.union(*map(_characters, families))
    missing = set().union(*texts) - characters
    for name in sorted({font.name for font in fontManager.ttflist}):
        if not missing:
            break
        if not name.startswith(LAST_RESORT) and missing & (found := _characters(name)):
            families.append(name)
            characters |= found
            missing -= found
    return FigureFonts(families, frozenset(characters))


def _characters(family: str) -> set[str]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    try:
        font = get_font(findfont(FontProperties(family=[family])))
        # Fonts of bitmaps, such as colour emoji, cannot be drawn.
        return {chr(code) for code in font.get_charmap()} if font.scalable else set()
    except (OSError, RuntimeError):
        return set()


def _escape(character: str) -> str:
    # Joiners, direction marks and variation selectors.
    if unicodedata.category(character) == "Cf" or unicodedata.name(character, "").startswith("VARIATION SELECTOR"):
        return ""
    return " " if character.isspace() else character.encode("ascii", "backslashreplace").decode()
