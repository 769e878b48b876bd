"""Names that are no plain text, of files, folders and classes: shown escaped, and never a reason to fail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import files, train
from tests.fuzz.outcome import SCRIPT
from tests.fuzz.seeds import NETWORK, Seeds, image_bytes

NAMES = {
    "not UTF-8": os.fsdecode(b"caf\xe9"),
    "only bytes": os.fsdecode(b"\xff\xfe"),
    "control characters": "a\x1b[31mb\x07c",
    "a new line": "a\nb",
    "carriage return": "a\rb",
    "right to left": "a\u202egnp.b",
    "no width": "a\u200bb\ufeff",
    "HTML": f"{SCRIPT}<\N{FRACTION SLASH}script>",
    "quotes": "\"'`$(touch canary)",
    "a formula": '=1+1,"x"',
    "spaces": "  ",
    "a dash": "-rf",
    "250 bytes": "n" * 250,
    "many bytes per letter": "語" * 80,
    "percent and braces": "%s {0} {{x}} $x [red]",
    "dots": "...",
    "emoji": "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{SNOWMAN}",
}
# Too long, or flags. Checkpoints need names in UTF-8.
MAY_BE_REFUSED = ("a dash", "250 bytes", "spaces", "dots")


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each name in each place where a name may stand."""
    weights = ("--weights", str(seeds.weights))
    for kind, name in NAMES.items():
        for place, (arguments, write) in _places(name, weights, str(seeds.binary_weights)).items():
            yield Case(
                kind="names",
                name=f"{kind} as {place}",
                arguments=arguments,
                write=write,
                # An argument that begins with a dash is a flag; a name ends in an error where it is too long.
                expected="either" if kind in MAY_BE_REFUSED or place == "a run folder" else "works",
                seconds=30,
            )
        yield Case(kind="names", name=f"{kind} of no network", arguments=("summary", name))
        yield Case(kind="names", name=f"{kind} of no file", arguments=("predict", name, *weights))
        yield Case(kind="names", name=f"{kind} of no data set", arguments=("evaluate", "--dataset", name, *weights))


def _places(
    name: str, weights: tuple[str, ...], binary: str
) -> dict[str, tuple[tuple[str, ...], Callable[[Path], None]]]:
    image = image_bytes("PNG")
    # The tests split of a folder of classes has a tenth of the images.
    classes = files({f"data/{folder}/{i}.png": image for folder in (name, "b") for i in range(12)})
    own = files({f"{name}/{folder}/{i}.png": image for folder in "ab" for i in range(12)})
    evaluate = ("evaluate", "--weights", binary, "--dataset")
    drawn = ("--out", "out", *weights)
    return {
        "an image": (("predict", f"./{name}", *weights), files({name: image})),
        "an image, in JSON": (("predict", f"./{name}", "--json", *weights), files({name: image})),
        "an image of visualize": (
            ("visualize", "--method", "activations", "--layers", "c1", "--images", f"./{name}", *drawn),
            files({name: image}),
        ),
        "an image of report": (
            ("report", "--out", "page.html", "--images", f"./{name}", *weights),
            files({name: image}),
        ),
        "a page": (("report", NETWORK, "--out", f"./{name[:200]}.html"), files({})),
        "a folder of sheets": (
            ("visualize", "--method", "filters", "--layers", "c1", "--out", f"./{name}", *weights),
            files({}),
        ),
        "a class": ((*evaluate, "data"), classes),
        "a class, in JSON": ((*evaluate, "data", "--json"), classes),
        "a class, drawn": ((*evaluate, "data", "--confusion", "c.png"), classes),
        "a class of a run": (train("--dataset", "data"), classes),
        "a data set": ((*evaluate, f"./{name}"), own),
        "a data set of a run": (("train", "--model", NETWORK, "--epochs", "1", "--dataset", f"./{name}"), own),
        "a run folder": (train("--run-dir", f"./{name}"), files({})),
        "a class name": (
            ("convert", weights[1], "out.safetensors", "--model", NETWORK, "--class-names", name, *"bcdefghij"),
            files({}),
        ),
    }
