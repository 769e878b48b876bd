"""Make the pictures of docs/visualizing.md with its commands: python tests/page_pictures.py [PART OF A NAME ...]."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE, IMAGES = ROOT / "docs" / "visualizing.md", ROOT / "docs" / "images"
# A picture, and directly below it the command that writes it.
PICTURE_AND_COMMAND = re.compile(r"!\[[^\]]+\]\(images/([^)]+)\.webp\)\n\n```sh\n(.+?)\n```", re.DOTALL)
WEBP_QUALITY = 85


def picture_commands() -> dict[str, str]:
    """{name of a picture, such as "photos/maximize-logits": the command below it}."""
    return dict(PICTURE_AND_COMMAND.findall(PAGE.read_text()))


def shell_variables() -> str:
    """The page's first block: the variables that the commands use."""
    return re.search(r"```sh\n(.+?)\n```", PAGE.read_text(), re.DOTALL)[1]


def make_pictures(name_parts: list[str]) -> None:
    """Write the pictures whose names contain one of the parts; all pictures if there are none."""
    for name, command in picture_commands().items():
        if name_parts and not any(part in name for part in name_parts):
            continue
        with tempfile.TemporaryDirectory() as folder:
            script = f"{shell_variables()}\n{command.replace('--out pictures/', f'--out {folder}/')}"
            subprocess.run(["bash", "-euxc", script], cwd=ROOT, check=True)
            (IMAGES / name).parent.mkdir(exist_ok=True)
            with Image.open(Path(folder) / f"{name}.png") as image:
                image.save(IMAGES / f"{name}.webp", quality=WEBP_QUALITY, method=6)


if __name__ == "__main__":
    make_pictures(sys.argv[1:])
