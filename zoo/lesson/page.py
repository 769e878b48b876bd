"""The lesson as one HTML file: its text, its questions, its animations, and a network that computes."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.errors import ZooError, suggestion
from zoo.lesson.live_data import live_data
from zoo.lesson.pictures import layer_pictures
from zoo.lesson.quizzes import MAX_SIZES, lesson_quizzes
from zoo.lesson.reports import NAMED_NETWORKS, report_addresses, write_reports
from zoo.lesson.table1 import COLUMNS, inception_module, table1, table1_notes
from zoo.lesson.words import DEFAULT_LANGUAGE, TEMPLATES, words
from zoo.registry import model_info
from zoo.report.gallery import make_folder
from zoo.report.html import rendering
from zoo.report.html.provenance import versions
from zoo.report.layers.lesson_convolution import lesson_convolutions
from zoo.report.layers.pooling_examples import LESSON_GRID
from zoo.report.layers.sample_image import make_sample_image
from zoo.report.live.live_panel import live_colours

# The sections in a language's folder; those that it lacks are in English.
LANGUAGES = {"en": "English", "ko": "한국어"}
# Nine of the lesson, and then the network to draw for.
SECTIONS = (
    "intuition",
    "filters",
    "parameters",
    "dimensions",
    "visualizing",
    "convolution",
    "pooling",
    "one_by_one",
    "inception",
    "draw",
)
FILES = replace(
    rendering.REPORT,
    folders=(TEMPLATES, rendering.TEMPLATES),
    styles=("page/style.css", "layers/figures.css", "layers/table.css", "live/live.css", "lesson.css"),
    scripts=(
        "layers/arithmetic.js",
        "layers/picker.js",
        "layers/convolution.js",
        *rendering.LIVE_SCRIPTS,
        "live/backward.js",
        "scripts/words.js",
        "scripts/player.js",
        "scripts/quiz.js",
        "scripts/patches.js",
        "scripts/sliding_filter.js",
        "scripts/sharing.js",
        "scripts/pooling_play.js",
        "scripts/mixing.js",
        "scripts/inception.js",
        "scripts/gradient.js",
        "scripts/start.js",
    ),
)
PICTURE_SHAPE = (160, 160, 3)


def lesson(language: str = "en", report_links: Mapping[str, str] = MappingProxyType({})) -> str:
    """The page as HTML that needs no other file. Raises ZooError for a language that it is not written in.

    `report_links` are addresses of pages about networks, by the network's name; without them the page has the commands.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise ZooError(f"there is no lesson in {language!r}{suggestion(language, LANGUAGES)}: it is one of {known}")
    values = template_values()
    return rendering.render(
        "lesson.html.j2",
        files=FILES,
        language=language,
        masthead=_part("masthead", language),
        sections=[_part(name, language) for name in SECTIONS],
        footer=_part("footer", language),
        all_words={name: words(name) for name in LANGUAGES},
        data=_script_data(language, values["sample_image"].uri),
        versions=versions(),
        **{**values, "report_links": report_links},
    )


def template_values(picture_folder: str = "") -> dict[str, Any]:
    """What the templates of sections use. Pictures are part of the page, or in a folder of this address."""
    return {
        "quizzes": lesson_quizzes(),
        "largest": MAX_SIZES,
        "grid": LESSON_GRID,
        "sample_image": make_sample_image(PICTURE_SHAPE),
        "lesson_convolutions": lesson_convolutions(),
        "pictures": layer_pictures(picture_folder),
        "networks": [model_info(name) for name in NAMED_NETWORKS],
        "report_links": {},
        "inception_module": inception_module(),
        "table1": table1(),
        "table1_columns": COLUMNS,
        "table1_notes": table1_notes(),
        "live_names": ("digits", "clothes"),
    }


def write_lesson(path: str | Path, language: str = "en", reports: str | Path | None = None) -> list[Path]:
    """Write the page of `lesson`, completely or not at all; returns the paths of what it wrote.

    With `reports`, a folder, each network that the lesson names gets a page there, to which the lesson links. Pages
    that are there already stay as they are. Raises ZooError.
    """
    from zoo.runtime.atomic_files import replacing

    path = Path(path)
    links = {} if reports is None else report_addresses(path, make_folder(Path(reports)))
    text = lesson(language, links)
    written = [] if reports is None else write_reports(Path(reports))
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return [*written, path]


def _part(name: str, language: str) -> dict[str, str]:
    """A part of the page, its template and the language that it is written in."""
    translated = f"{language}/{name}.html.j2"
    if (TEMPLATES / translated).is_file():
        return {"name": name, "template": translated, "language": language}
    return {"name": name, "template": f"{DEFAULT_LANGUAGE}/{name}.html.j2", "language": DEFAULT_LANGUAGE}


def _script_data(language: str, picture: str) -> dict[str, Any]:
    from zoo.lesson.live_data import small_digit

    return {
        "words": {name: words(name) for name in dict.fromkeys((DEFAULT_LANGUAGE, language))},
        "grid": LESSON_GRID,
        "digit": small_digit(),
        "picture": picture,
        "inception": asdict(inception_module()),
        "live": live_data(),
        "colours": live_colours(),
    }
