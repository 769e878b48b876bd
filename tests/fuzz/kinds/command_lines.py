"""Command lines: every number of every command, and arguments that are no text of people."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tests.fuzz.case import Case
from tests.fuzz.seeds import NETWORK, Seeds

# The digit three of Arabic, and the digit one of full width.
THREE, ONE = "\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT ONE}"
# Refused wherever a number is asked for: none is a number in ASCII digits, of a size that anything has.
NO_NUMBERS = (
    *(
        "",
        " 5",
        "5 ",
        "5\n",
        "5\x1b[31m",
        "³",
        "²",
        "½",
        THREE,
        ONE,
        "1_000",
        "0x10",
        "1e",
        "--",
        "+-1",
        "five",
        "1,000",
    ),
    *("nan", "inf", "-inf", "1e400", "1e308", "-1e308", "9" * 400, "9" * 5000, "10**20", "\udcff"),
    *(str(10**20), str(-(10**20))),
)
# Right or wrong, by the argument.
NUMBERS = ("0", "-0", "-1", "0.5", "1e3", "1e-320", str(10**6), str(10**10), str(10**12), "2147483648", "4294967296")
SIZES = (
    *("", "0", "-1", "x", "224x", "x224", "0x0", "224x224x0", "224x224x224x224", "1e3", "1_0", " 32", "32\n"),
    *("³", f"{THREE}2", "\udcff", "9" * 400, "9" * 5000, "99999999", "1000000x1000000", "224x99999999999"),
    *("224x224x1000000", "224X224"),
)
# Nothing of an image that is only counted is allocated.
COUNTED = ("1000000x1000000", "224x224x1000000")
COMMANDS = (
    *("predict", "evaluate", "train", "visualize", "report", "summary", "convert", "list", "weights", "data"),
    *("export", "cache", "completions", "recipes"),
)
STRANGE = (
    *("", " ", "-", "--", "---", "-x", "--=", "=", "--model", "--help=1", "\udcff", "a\nb", "\x1b[31m", "x" * 100_000),
)


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each number of each command replaced; each command with strange arguments; absurd sizes."""
    for command in COMMANDS:
        for action in numbers_of(command):
            flag = action.option_strings[-1]
            for value in (*NO_NUMBERS, *NUMBERS):
                yield Case(
                    kind="numbers",
                    name=f"{command} {flag} {_short(value)}",
                    arguments=(command, *_valid(command, seeds), f"{flag}={value}"),
                    named=flag if value in NO_NUMBERS else "",
                )
        for strange in STRANGE:
            yield _either(f"{command} {_short(strange)}", (command, strange))
            yield _either(f"{command} ... {_short(strange)}", (command, *_valid(command, seeds), strange))
    for size in SIZES:
        for command in ("summary", "report"):
            out = ("--out", "page.html") if command == "report" else ()
            expected = "either" if size in ("224X224", *COUNTED) else "refused"
            yield Case(
                kind="sizes",
                name=f"{command} --input {_short(size)}",
                arguments=(command, "vgg11", *out, f"--input={size}"),
                expected=expected,
            )
    for name, arguments in absurd(seeds).items():
        yield Case(kind="absurd sizes", name=name, arguments=arguments, expected="either", seconds=20)
    for strange in STRANGE:
        yield _either(_short(strange), (strange,))


def numbers_of(command: str) -> list[argparse.Action]:
    """The arguments of a command that are numbers, by their types."""
    from zoo.commands.command_line import parser

    subparsers = next(action for action in parser(command)._actions if isinstance(action.choices, dict))
    actions = subparsers.choices[command]._actions  # type: ignore[index]
    return [action for action in actions if action.option_strings and _takes_number(action)]


def _takes_number(action: argparse.Action) -> bool:
    if action.type is None or action.choices:
        return False
    try:
        return action.type("1") == 1  # type: ignore[operator]
    except (argparse.ArgumentTypeError, ValueError):
        # A range without 1 in it, as of --dpi.
        return getattr(action, "metavar", None) in ("N", "X")


def _valid(command: str, seeds: Seeds) -> tuple[str, ...]:
    """Arguments with which the command ends after its numbers were read: its data is missing."""
    weights = ("--weights", str(seeds.weights))
    return {
        "predict": ("absent.png", *weights),
        "evaluate": ("--dataset", "./absent", *weights),
        "train": ("--model", NETWORK, "--dataset", "./absent"),
        "visualize": ("--out", "out", "--images", "absent.png", *weights),
        "report": ("--out", "page.html", "--images", "absent.png", *weights),
        "summary": ("absent",),
        "convert": ("absent", "out.safetensors", "--model", NETWORK),
        "list": ("absent",),
        "export": ("--to", "stablehlo", "--out", "absent/net", *weights),
        "weights": ("absent",),
        "data": ("./absent",),
        "recipes": ("absent",),
        "cache": ("--json",),
        "completions": ("absent",),
    }[command]


def absurd(seeds: Seeds) -> dict[str, tuple[str, ...]]:
    """Numbers that are valid, and far more than a machine has."""
    small = ("train", "--model", NETWORK, "--run-dir", "run")
    pictures = ("visualize", "--out", "out", "--weights", str(seeds.weights))
    image = ("--images", str(seeds.image))
    found = {
        f"train {flag} {value}": (*small, flag, value)
        for flag, values in {
            "--epochs": ("1000000000", "100000000000000000000"),
            "--image-size": ("1000000", "100000", "20000"),
            "--batch-size": ("1000000000000", "100000000", "1000000"),
            "--shift": ("10000000000", "100000"),
            "--warmup-epochs": ("1e308", "1e18"),
            "--accumulate": ("1000000000000", "100000"),
            "--learning-rate": ("1e308", "1e-320", "1e38"),
            "--weight-decay": ("1e308",),
            "--keep": ("1000000000000",),
            "--save-every": ("1e-300", "1e300"),
            "--log-every": ("1000000000000",),
            "--seed": ("1000000000000", "-1", "18446744073709551616"),
        }.items()
        for value in values
        # These train to their end, which is right.
        if not (flag in ("--keep", "--save-every", "--log-every") and value.startswith("1000"))
    }
    found = {name: given if "--epochs" in name else (*given, "--epochs", "1") for name, given in found.items()}
    predict = ("predict", str(seeds.image), "--weights", str(seeds.weights))
    return {
        **found,
        "predict --batch-size": (*predict, "--batch-size", "100000"),
        "predict --top": (*predict, "--top", "1000000"),
        "summary --classes": ("summary", "vgg11", "--classes", str(10**12)),
        "report --classes": ("report", "vgg11", "--classes", str(10**9), "--out", "page.html"),
        "summary --input": ("summary", "vgg11", "--input", "1000000"),
        "report --input": ("report", "vgg11", "--input", "100000", "--out", "page.html"),
        "summary --depth": ("summary", NETWORK, "--depth", str(10**9)),
        "visualize --steps": (*pictures, "--method", "maximize", "--layers", "c1", "--steps", str(10**12)),
        "visualize --units": (*pictures, "--method", "maximize", "--layers", "c1", "--units", str(10**30)),
        "visualize --units many": (
            *pictures, "--method", "maximize", "--layers", "c1", "--units", *map(str, [0] * 10_000),
        ),
        "visualize --batch-size": (*pictures, *image, "--method", "gradient", "--batch-size", str(10**12)),
        "visualize --limit": (*pictures, "--dataset", "digits", "--method", "occlusion", "--limit", str(10**12)),
        "visualize --layers many": (*pictures, *image, "--method", "activations", "--layers", *["c1"] * 5000),
        "predict 100,000 images": (
            "predict", *["absent.png"] * 20_000, "--weights", str(seeds.weights),
        ),
    }  # fmt: skip


def _either(name: str, arguments: tuple[str, ...]) -> Case:
    return Case(kind="strange arguments", name=name, arguments=arguments, expected="either")


def _short(value: str) -> str:
    return ascii(value) if len(value) < 30 else f"{len(value)} characters"
