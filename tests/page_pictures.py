"""The pictures of docs/visualizing.md: python tests/page_pictures.py makes them by the commands printed there."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE, IMAGES = ROOT / "docs" / "visualizing.md", ROOT / "docs" / "images"
# A picture, and right under it the command that wrote it.
SHOWN = re.compile(r"!\[[^\]]+\]\(images/([^)]+)\.webp\)\n\n```sh\n(.+?)\n```", re.DOTALL)
QUALITY = 85


def shown() -> dict[str, str]:
    """{picture, as "photos/maximize-logits": the command under it}."""
    return dict(SHOWN.findall(PAGE.read_text()))


def setup() -> str:
    """The page's block that names what the commands need."""
    return re.search(r"```sh\n(.+?)\n```", PAGE.read_text(), re.DOTALL)[1]


def make(names: list[str]) -> None:
    """Write the pictures whose names have one of these parts, all where there are none."""
    for name, command in shown().items():
        if names and not any(part in name for part in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            written = command.replace("--out pictures/", f"--out {folder}/")
            subprocess.run(["bash", "-euxc", f"{setup()}\n{written}"], cwd=ROOT, check=True)
            (IMAGES / name).parent.mkdir(exist_ok=True)
            with Image.open(Path(folder) / f"{name}.png") as image:
                image.save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)


if __name__ == "__main__":
    make(sys.argv[1:])
