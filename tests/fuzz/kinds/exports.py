"""`zoo export`: what the file takes and gives in all combinations, layers that are none, and places to write to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.command_lines import SIZES
from tests.fuzz.kinds.names import NAMES
from tests.fuzz.kinds.special_files import SPECIAL
from tests.fuzz.seeds import Seeds

FORMATS = ("onnx", "stablehlo")
# Right alone. LeNet-5 averages maps to 5x5, for which ONNX has no form of any size.
RIGHT: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "softmax": ("--softmax",),
    "pixels": ("--preprocess", "normalize"),
    "one image": ("--batch-size", "1"),
    "half": ("--dtype", "bfloat16"),
    "frames": ("--preprocess", "full"),
    "features": ("--features", "c1", "f6", "c1"),
    "another size": ("--input", "47x60"),
    "forced": ("--force",),
}
WRONG: dict[str, tuple[str, ...]] = {
    "features of nothing": ("--features",),
    "features and softmax": ("--features", "c1", "--softmax"),
    "features without a name": ("--features", ""),
    "features of the network": ("--features", "/"),
    "5000 features": ("--features", *(f"c{index}" for index in range(10, 5010))),
    "colour": ("--input", "32x32x3"),
    "too small": ("--input", "3"),
    "another network": ("--model", "vgg11"),
    "a field": ("--model-arg", "num_classes=11"),
    "frames of any size": ("--preprocess", "full", "--any-size"),
    "no dtype": ("--dtype", "float64"),
    "no preprocessing": ("--preprocess", "all"),
}
# Right for ONNX, or refused.
INT8 = ("--quantize", "int8", "--calibrate")
QUANTIZED: dict[str, tuple[str, ...]] = {
    "int8": (*INT8, "digits"),
    "int8 of pixels": (*INT8, "digits", "--preprocess", "normalize", "--softmax", "--batch-size", "3"),
    "int8 of features": (*INT8, "digits", "--features", "c1"),
    "int8 of half": (*INT8, "digits", "--dtype", "float16"),
    "int8 without images": ("--quantize", "int8"),
    "int8 of a folder that is none": (*INT8, "none/"),
    "images without int8": ("--calibrate", "digits"),
}


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each format with each."""
    weights = ("--weights", str(seeds.weights))
    for form in FORMATS:
        command = ("export", *weights, "--to", form)
        for name, arguments in RIGHT.items():
            yield _case(f"{form} {name}", (*command, "--out", "net", *arguments), expected="works")
        for (one, first), (other, second) in product(RIGHT.items(), RIGHT.items()):
            if one < other:
                yield _case(f"{form} {one}, {other}", (*command, "--out", "net", *first, *second), expected="either")
        for name, arguments in WRONG.items():
            yield _case(f"{form} {name}", (*command, "--out", "net", *arguments))
        for name, arguments in QUANTIZED.items():
            yield _case(f"{form} {name}", (*command, "--out", "net", *arguments), expected="either")
        yield _case(f"{form} any size", (*command, "--out", "net", "--any-size"), expected="either")
        for size in SIZES:
            yield _case(
                f"{form} size {ascii(size)[:30]}", (*command, "--out", "net", f"--input={size}"), expected="either"
            )
        for name, text in NAMES.items():
            yield _case(f"{form} to {name}", (*command, f"--out={text}"), expected="either")
            yield _case(f"{form} layer {name}", (*command, "--out", "net", f"--features={text}"))
        for name, make in SPECIAL.items():
            yield _case(
                f"{form} to {name}",
                (*command, "--force", "--out", "net"),
                write=lambda folder, make=make: make(folder / "net"),
                # A link to no file is made one; a loop and what is no file are refused.
                expected="either" if name == "broken link" else "refused",
            )
        for path in ("absent/net", "/dev/full", "/proc/net_x", "n" * 252, "d/" * 2100 + "net", ".", "..", "/"):
            yield _case(f"{form} to {path[:20]}", (*command, "--out", path))
        yield _case(f"{form} over a file", (*command, "--out", "net"), write=_touch)


def _touch(folder: Path) -> None:
    (folder / "net").touch()


def _case(name: str, arguments: tuple[str, ...], *, expected: str = "refused", **more: object) -> Case:
    # Two programs are compiled, and a third for StableHLO.
    return Case(kind="exports", name=name, arguments=arguments, expected=expected, seconds=30, **more)  # type: ignore[arg-type]
