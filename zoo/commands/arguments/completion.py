"""What a shell offers for each argument, when TAB is pressed: files, folders, or zoo's names."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

import shtab

from zoo.commands.arguments.completion_functions import (
    BASH_WITHOUT_EQUALS_SIGNS,
    datasets_function,
    weights_function,
)

# What an argument is, by the name of its value in --help.
NETWORKS = ("MODEL", "MODEL2", "PATTERN")
DATA_SETS = ("DATA",)
WEIGHTS = ("W", "WEIGHTS", "LIBRARY")
FOLDERS = ("DIR",)
FILES = ("IMAGE", "IN", "OUT", "FILE", "FILE.html")
# These name a folder or a file, or are --model, whose value has another name in --help.
BY_DESTINATION = {"model": NETWORKS[0], "checkpoint": FILES[0], "ensemble": FILES[0]}


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The text that a shell reads to complete the arguments of a parser, which is changed: it cannot parse any more."""
    networks = _networks()
    offered = {
        **dict.fromkeys(FOLDERS, shtab.DIRECTORY),
        **dict.fromkeys(FILES, shtab.FILE),
        **dict.fromkeys(DATA_SETS, datasets_function(_datasets())),
        **dict.fromkeys(WEIGHTS, weights_function(_weights())),
    }
    for action in _actions(parser):
        kind = BY_DESTINATION.get(action.dest, str(action.metavar))
        if action.choices is None and kind in NETWORKS:
            action.choices = networks
        elif action.choices is None and kind in offered:
            _set_completion(action, offered[kind])
        if isinstance(action.metavar, str):
            # A separator of zsh's.
            action.metavar = action.metavar.replace(":", " ")
    return shtab.complete(parser, shell) + (BASH_WITHOUT_EQUALS_SIGNS if shell == "bash" else "")


def _set_completion(action: argparse.Action, by_shell: Mapping[str, Any]) -> None:
    """The attribute in which shtab looks for it."""
    vars(action)["complete"] = by_shell


def _actions(parser: argparse.ArgumentParser) -> Iterable[argparse.Action]:
    """All arguments of a parser and of its subparsers."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)
        else:
            yield action


def _networks() -> list[str]:
    """Without names of installed packages that are none: a shell runs the text."""
    from zoo.registry import is_name, list_models

    return [name for name in list_models() if is_name(name)]


def _datasets() -> list[str]:
    from zoo.data.sources.tfds import dataset_names

    return dataset_names()


def _weights() -> dict[str, list[str]]:
    from zoo.weights.published import all_published

    tags: dict[str, list[str]] = {}
    for one in all_published():
        tags.setdefault(one.model, []).append(one.tag)
    return tags
