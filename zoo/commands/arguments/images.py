"""Images that the command line names: files, folders of them, or - for standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STANDARD_INPUT = "-"


def image_paths(argument: str, *, note_left_out: bool = False) -> list[str]:
    """The argument itself, or the images in the folder that it names, 10.png after 9.png.

    With `note_left_out` a line on standard error counts and names the other files of the folder.
    Raises ZooError for a folder without images, for what does not exist, and for a pipe or a device.
    """
    import stat
    from pathlib import Path

    from zoo.data.sources.image_tree import list_tree, natural_order
    from zoo.data.sources.left_out import describe_left_out
    from zoo.errors import ZooError
    from zoo.runtime.console import print_note
    from zoo.runtime.regular_file import refuse_special
    from zoo.runtime.system_errors import reason

    if argument == STANDARD_INPUT:
        return [argument]
    if not argument:
        raise ZooError("the name of an image is empty")
    if "://" in argument:
        raise ZooError(f"{argument} is a URL: download it first, or read it with: curl -sL URL | zoo predict -")
    try:
        # Unlike Path.exists, this says what else is wrong: no permission, a loop of links, a name too long.
        status = Path(argument).stat()
        if not stat.S_ISDIR(status.st_mode):
            refuse_special(status, argument)
            return [argument]
        tree = list_tree(Path(argument))
    except (OSError, ValueError) as error:
        raise ZooError(f"cannot read the image {argument}: {reason(error)}") from None
    left_out = describe_left_out(tree.all_others())
    if not tree.total:
        raise ZooError(f"there are no images in the folder {argument}" + (f" ({left_out})" if left_out else ""))
    if left_out and note_left_out:
        print_note(f"{argument}: {left_out}")
    return [str(path) for path in natural_order(tree)]


def load_image(path: str) -> np.ndarray:
    """One of `image_paths`, as uint8 [height, width, 1 or 3]. Raises ZooError where it cannot be decoded."""
    import io
    import warnings

    from zoo.data.decoding import decode_image, read_image
    from zoo.data.image_limits import MAX_FILE_SIZE
    from zoo.errors import ZooError

    with warnings.catch_warnings():
        # PIL warns about damage that it can repair.
        warnings.simplefilter("ignore")
        if path == STANDARD_INPUT:
            if sys.stdin is None or sys.stdin.isatty():
                raise ZooError("- reads an image from standard input: pipe one into this command")
            contents = sys.stdin.buffer.read(MAX_FILE_SIZE + 1)
            if len(contents) > MAX_FILE_SIZE:
                raise ZooError(f"standard input has more than {MAX_FILE_SIZE // 10**6} MB: is it one image?")
            return decode_image(io.BytesIO(contents), "from standard input")
        return read_image(path)
