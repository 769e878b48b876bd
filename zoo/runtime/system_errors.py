"""Errors of the operating system in words: why it refused, and what to do."""

import errno
import os
import re

from zoo.printable import one_line
from zoo.runtime.similar_paths import similar_paths

ADVICE = {
    errno.EACCES: "change the permissions",
    errno.EPERM: "change the permissions",
    errno.EROFS: "choose another folder",
    errno.ENOSPC: "free some space, or choose another folder",
    errno.EDQUOT: "remove some files, or choose another folder",
    errno.EFBIG: "raise the limit of file sizes with ulimit -f",
    errno.EMFILE: "raise the limit of open files with ulimit -n 1024",
    errno.ENFILE: "all programs together have too many files open: close some",
    errno.EAGAIN: "raise the limit of processes with ulimit -u",
    errno.ENOMEM: "close other programs, or raise the limit with ulimit -v",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EISDIR: "name a file in it",
    errno.ELOOP: "its symbolic links lead in a circle",
    errno.EIO: "check the disk or the network behind it",
}
# What the system refuses, whatever the file holds: none of them says that a file is damaged.
REFUSALS = ADVICE.keys() - {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.EIO}
# Libraries in C++ put the number into the text of an error of their own.
NUMBERS = re.compile(r"os_error_code='(\d+)'|OS error (?:code )?(\d+)|\[Errno (\d+)\]")
# Where they give no number.
TEXTS = {os.strerror(number): number for number in ADVICE}


def error_number(error: BaseException) -> int:
    """The number of the system's error, one of those of `errno`, also from within an error of a library; 0 if none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    text = str(error)
    if found := NUMBERS.search(text):
        return int(found[found.lastindex or 0])
    return next((number for strerror, number in TEXTS.items() if strerror in text), 0)


def reason(error: BaseException) -> str:
    """Why the system refused, and what to do, on one line: "Permission denied; change the permissions".

    For an error that is not the system's, the start of its own text.
    """
    number = error_number(error)
    text = getattr(error, "strerror", None) or (os.strerror(number) if number else one_line(error))
    # Not where the error was raised by us, with words of its own.
    if number not in ADVICE or text != os.strerror(number):
        return text
    return text + (_meant(error) or f"; {ADVICE[number]}")


def _meant(error: BaseException) -> str:
    """Paths that the one of an error may stand for, as the end of a message."""
    name = getattr(error, "filename", None)
    return similar_paths(name) if isinstance(error, FileNotFoundError) and isinstance(name, str | os.PathLike) else ""
