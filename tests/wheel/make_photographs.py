"""Make a folder of photographs as people have them: turned by EXIF, a link, an AVIF, a broken file.

python make_photographs.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

ORIENTATION = 0x0112
UPSIDE_DOWN = 3


def main(folder: Path) -> None:
    """The classes differ in which half is bright; every third photograph is stored upside down, as its EXIF says."""
    generator = np.random.default_rng(0)
    for name in ("ground", "sky"):
        (folder / name).mkdir(parents=True)
        for number in range(60):
            pixels = generator.integers(0, 120, (60, 80, 3), np.uint8)
            pixels[:30] += np.uint8(100 * (name == "sky"))
            pixels[30:] += np.uint8(100 * (name == "ground"))
            image, exif = Image.fromarray(pixels), Image.Exif()
            if number % 3 == 0:
                image, exif[ORIENTATION] = image.rotate(180), UPSIDE_DOWN
            image.save(folder / name / f"IMG_{number:04}.{'avif' if number == 7 else 'jpg'}", exif=exif)
    broken = folder / "sky" / "IMG_9999.jpg"
    broken.write_bytes((folder / "sky" / "IMG_0001.jpg").read_bytes()[:400])
    elsewhere = folder.with_name("elsewhere.jpg")
    (folder / "ground" / "IMG_0002.jpg").rename(elsewhere)
    (folder / "ground" / "IMG_0002.jpg").symlink_to(elsewhere)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
