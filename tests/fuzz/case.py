"""One hostile or broken input: the command that meets it, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

# "either": a valid reading exists, or the input is damaged at random.
Expected = Literal["refused", "works", "either"]


def nothing(*_: object) -> None:
    """Writes or changes nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command line that is run in a folder of its own, in which `write` has made its files;
    "{folder}" in an argument is that folder.

    `before` is called in the command's process before the command. A `fresh` case runs in an interpreter of its own,
    through `shell`, a prefix of the command line such as ["sh", "-c", 'exec "$@" >&-', "sh"]; others are forked from
    a process that has imported everything. `seconds` is the time that it may take on an idle machine.
    The line of a refusal must have `named` in it, such as the flag that is wrong.
    """

    kind: str
    name: str
    arguments: tuple[str, ...]
    write: Callable[[Path], None] = nothing
    expected: Expected = "refused"
    stdin: str = "/dev/null"
    environment: Mapping[str, str | None] = field(default_factory=dict)
    before: Callable[[], None] = nothing
    fresh: bool = False
    shell: tuple[str, ...] = ()
    seconds: float = 10.0
    named: str = ""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended. `killed` says why it was ended by us, else it is empty; `peak` is in bytes above idle.

    `outside` are files beside the command's folder, and `has_script` says that a page in it has a stranger's script.
    """

    status: int
    output: str
    error: str
    seconds: float
    peak: int
    killed: str = ""
    outside: tuple[str, ...] = ()
    has_script: bool = False
