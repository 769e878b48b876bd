"""argparse with errors of one line: what was wrong, what was probably meant, and the way to --help."""

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile, zip_longest
from typing import Any, NoReturn

from zoo.errors import ZooError, did_you_mean, similar_names, suggestion

# What other programs call a command of ours.
SYNONYMS = {
    **dict.fromkeys(("models", "networks", "ls", "search", "find"), "list"),
    **dict.fromkeys(("info", "show", "describe", "count", "inspect"), "summary"),
    **dict.fromkeys(("classify", "infer", "inference", "label"), "predict"),
    **dict.fromkeys(("test", "eval", "validate", "score", "benchmark"), "evaluate"),
    **dict.fromkeys(("fit", "finetune", "fine-tune", "resume"), "train"),
    **dict.fromkeys(("draw", "plot", "picture", "pictures"), "visualize"),
    **dict.fromkeys(("download", "pretrained", "fetch"), "weights"),
    **dict.fromkeys(("check", "diagnose", "env", "devices"), "doctor"),
    **dict.fromkeys(("clean", "purge"), "cache"),
    "help": "--help",
    "version": "--version",
    "page": "report",
    **dict.fromkeys(("learn", "tutorial", "course"), "lesson"),
    "completion": "completions",
    "rm": "clear",
    "empty": "clear",
}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ZooError for what it cannot parse, and first for a flag that does not exist.

    An unknown flag is often why another one seems to be missing.
    """

    def error(self, message: str) -> NoReturn:
        """Raises ZooError with the message of argparse and the way to --help."""
        text = re.sub(
            "ignored explicit argument (.*)", r"takes no value (given: \1)", message.removeprefix("argument ")
        )
        raise ZooError(f"{text} (see {self.prog} --help)")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """As that of argparse; what no argument takes is an error here, where the flags of the command are known."""
        given = list(args or ())
        # The flags after the name of a command are those of its own parser.
        leading = takewhile(lambda text: text.startswith("-"), given) if self._subparsers else given
        named = list(takewhile(lambda text: text != "--", leading))
        for text, following in zip_longest(named, named[1:]):
            flag, equals, value = text.partition("=")
            if not flag.startswith("--"):
                self._refuse_single_dash(text)
                continue
            # argparse takes the start of a flag for the flag.
            actions = [action for known, action in self._option_string_actions.items() if known.startswith(flag)]
            if not actions:
                self.error(f"there is no {flag}{suggested_flags(flag, self._option_string_actions)}")
            if equals and value == "--":
                # argparse takes it for the end of the flags, and the flag for one without values.
                self.error(f"{flag}: '--' is no value")
            # As from a variable that is not set; types other than text say so themselves.
            if (value if equals else following) == "" and actions[0].nargs != 0 and actions[0].type in (None, str):
                self.error(f"{flag}: the value is empty")
        namespace, extra = super().parse_known_args(given, namespace)
        if extra:
            meant = "--model" in self._option_string_actions and namespace.model is None
            suggested = did_you_mean([f"--model {extra[0]}"]) if meant else ""
            self.error(f"unexpected {'arguments' if len(extra) > 1 else 'argument'} {' '.join(extra)}{suggested}")
        return namespace, extra

    def _refuse_single_dash(self, text: str) -> None:
        """An error for -epochs: argparse would take the value after it for another argument."""
        flag, known = f"-{text.partition('=')[0]}", self._option_string_actions
        if re.fullmatch("--[a-zA-Z][a-zA-Z_-]+", flag):
            self.error(f"there is no {text}{suggested_flags(flag, known)}")

    def _print_message(self, message: str, file: Any = None) -> None:
        """As that of argparse, which ignores that there is no space for it."""
        (file or sys.stdout).write(message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # Python 3.11 checks the empty list of an argument that may be left out.
        if action.choices is None or value in ([], *action.choices):
            return
        choices = [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction):
            meant = SYNONYMS.get(str(value).lower(), "")
            is_here = meant in (*choices, *self._option_string_actions)
            suggested = did_you_mean([meant]) if is_here else suggestion(str(value), choices)
            self.error(f"there is no command {value!r}{suggested}")
        text = f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"
        raise argparse.ArgumentError(action, text)


def suggested_flags(flag: str, flags: Iterable[str]) -> str:
    """The end of a message, as `suggestion`: flags with a similar name, or with these initials (--lr)."""
    name, names = flag.lstrip("-"), [known for known in flags if known.startswith("--")]
    by_initials = [known for known in names if "".join(word[0] for word in known[2:].split("-")) == name]
    # Without the dashes, which all of them share.
    similar = by_initials or [f"--{known}" for known in similar_names(name, [known[2:] for known in names])]
    return did_you_mean(similar)
