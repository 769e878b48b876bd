"""The short texts of widgets, questions and tables in each language; `templates/LANGUAGE/words.json` has them."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")
DEFAULT_LANGUAGE = "en"


@cache
def words(language: str) -> Mapping[str, str]:
    """Texts by name. Those that a language lacks are in English, as its sections are."""
    own = _read(language)
    return own if language == DEFAULT_LANGUAGE else {**_read(DEFAULT_LANGUAGE), **own}


def _read(language: str) -> dict[str, str]:
    return json.loads((TEMPLATES / language / "words.json").read_text(encoding="utf-8"))
