"""The lesson as one HTML file: its text, its questions, its animations, and a network that computes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, suggestion
from zoo.lesson.live_data import live_data
from zoo.lesson.pictures import layer_pictures
from zoo.lesson.quizzes import MAX_SIZES, SIZE_LABELS, lesson_quizzes
from zoo.registry import model_info
from zoo.report.html import rendering
from zoo.report.html.provenance import versions
from zoo.report.layers.lesson_convolution import lesson_convolutions
from zoo.report.layers.pooling_examples import LESSON_GRID
from zoo.report.layers.sample_image import make_sample_image

# The sections in a language's folder; those that it lacks are in English.
LANGUAGES = {"en": "English", "ko": "한국어"}
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
)
# After the lesson's own sections.
LIVE_SECTION = "live"
TEMPLATES = Path(__file__).with_name("templates")
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
# Networks that the page names, with the command that writes a page about each.
NAMED_NETWORKS = ("lenet5", "alexnet_2012", "zfnet", "nin", "vgg16", "googlenet")
# GoogLeNet's Table 1, inception (3a): the branch, its maps, and what it looks for.
BRANCHES = (
    {"name": "1×1", "maps": 64, "about": "The 1×1 branch mixes the channels of one position."},
    {"name": "3×3", "maps": 128, "about": "96 maps of a 1×1 convolution first, then 3×3."},
    {"name": "5×5", "maps": 32, "about": "16 maps of a 1×1 convolution first, then 5×5, which sees the most."},
    {"name": "pool", "maps": 32, "about": "3×3 max pooling with stride 1, then 32 maps of 1×1."},
)


def lesson(language: str = "en") -> str:
    """The page as HTML that needs no other file. Raises ZooError for a language that it is not written in."""
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise ZooError(f"there is no lesson in {language!r}{suggestion(language, LANGUAGES)}: it is one of {known}")
    values = template_values()
    return rendering.render(
        "lesson.html.j2",
        files=FILES,
        language=language,
        sections=[_section(name, language) for name in SECTIONS],
        data=_script_data(values["sample_image"].uri),
        versions=versions(),
        **values,
    )


def template_values(picture_folder: str = "") -> dict[str, Any]:
    """What the templates of sections use. Pictures are part of the page, or in a folder of this address."""
    return {
        "quizzes": lesson_quizzes(),
        "labels": SIZE_LABELS,
        "largest": MAX_SIZES,
        "sample_image": make_sample_image(PICTURE_SHAPE),
        "lesson_convolutions": lesson_convolutions(),
        "pictures": layer_pictures(picture_folder),
        "networks": [model_info(name) for name in NAMED_NETWORKS],
        "branches": BRANCHES,
        "live_names": ("digits", "clothes"),
    }


def write_lesson(path: str | Path, language: str = "en") -> None:
    """Write the page of `lesson`, completely or not at all. Raises ZooError."""
    from zoo.runtime.atomic_files import replacing

    text = lesson(language)
    with replacing(Path(path)) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _section(name: str, language: str) -> dict[str, str]:
    """A section's name, its template and the language that it is written in."""
    translated = f"{language}/{name}.html.j2"
    if (TEMPLATES / translated).is_file():
        return {"name": name, "template": translated, "language": language}
    return {"name": name, "template": f"en/{name}.html.j2", "language": "en"}


def _script_data(picture: str) -> dict[str, Any]:
    from zoo.lesson.live_data import small_digit

    return {
        "grid": LESSON_GRID,
        "digit": small_digit(),
        "picture": picture,
        "branches": BRANCHES,
        "live": live_data(),
    }
