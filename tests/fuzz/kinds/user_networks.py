"""Networks of the user: files that name one, modules that are broken, and values of their fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as serialized

from tests.fuzz.case import Case, nothing
from tests.fuzz.kinds.files import Write, files
from tests.fuzz.kinds.records import in_run
from tests.fuzz.outcome import CANARY
from tests.fuzz.seeds import Seeds

# A module of a stranger's, beside the stranger's file.
EVIL = f"""
from pathlib import Path

Path("../{CANARY}").touch()
"""
NAMES = {
    "a module in the folder": "evil:Net",
    "a module in a package": "evil.nets:Net",
    "a function of the system": "os:system",
    "a program": "subprocess:Popen",
    "a module that opens a browser": "antigravity:Net",
    "a layer of Flax": "flax.linen:Dense",
    "a base class": "flax.linen:Module",
    "a module of zoo": "zoo:visualize",
    "two colons": "a:b:c",
    "a colon": ":",
    "no attribute": "evil:",
    "no module": ":Net",
    "a path": "../evil:Net",
    "a long name": "n" * 999 + ":",
    "a terminal's colour": "evil\x1b[31m:Net",
    "a new line": "evil\n:Net",
}
NETS = """
import flax.linen as nn

class Net(nn.Module):
    num_classes: int = 10
    width: int = 4
    rate: float = 0.5
    sizes: tuple[int, ...] = ()
    flag: bool = False
    name_of: str = ""

    @nn.compact
    def __call__(self, x, train=False):
        return nn.Dense(self.num_classes)(nn.Conv(self.width, (3, 3))(x).mean((1, 2)))
"""
BROKEN = {
    "no syntax": "class Net(:",
    "bytes": "\\xff",
    "an error": "1 / 0",
    "an exit": "raise SystemExit(0)",
    "a recursion": "def f(): f()\nf()",
    "another import": "import no_such_library",
    "itself": "from nets import Net",
    "no class": "Net = 3",
    "another class": "class Net: pass",
    "a lambda": "Net = lambda: 3",
    "endless text": "raise ValueError('x' * 10**6)",
    "lines": "raise ValueError('a\\nb\\nc')",
    "a colour": "raise ValueError('\\x1b[31m')",
    "no call": "import flax.linen as nn\nclass Net(nn.Module): pass",
    "no argument": "import flax.linen as nn\nclass Net(nn.Module):\n    def __call__(self): return 0",
    "a property": "import flax.linen as nn\nclass Net(nn.Module):\n    num_classes = property(lambda self: 1 / 0)\n"
    "    def __call__(self, x): return x",
}
FIELDS = (
    *("width", "width=", "=2", "width==2", "width=x", "width=-1", "width=1e3", "width=9" + "9" * 5000, "width=NaN"),
    *("rate=inf", "rate=1e999", "sizes=" + "[" * 10_000, "sizes=" + "(" * 200, "sizes={}", "flag=2", "flag=maybe"),
    *("width=__import__('os').system('touch canary')", "parent=None", "name=x", "dtype=float16", "num_classes=3"),
    *("image_shape=1,1,1", "x\x1b[31m=1", "\udcff=1", "width=\udcff", "--help=1"),
)


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Names in runs and weights files; modules; fields."""
    config = json.loads((seeds.run / "config.json").read_text())
    predict = ("predict", str(seeds.image))
    for kind, name in NAMES.items():
        run = in_run(seeds, "config.json", json.dumps({**config, "model": name}))
        yield _case(f"{kind} in a run", (*predict, "--checkpoint", "run"), _with_evil(run))
        for field in ("model", "model_source"):
            weights = files({"x.safetensors": _weights_of(seeds, field, name)})
            yield _case(f"{kind} as {field} of weights", (*predict, "--weights", "x.safetensors"), _with_evil(weights))
        yield _case(f"{kind} on the command line", ("summary", name.replace("evil", "absent"), "--input", "8"))
    for kind, code in BROKEN.items():
        write = files({"nets.py": code.encode()})
        yield _case(f"a module with {kind}", ("train", "--model", "nets:Net"), write)
    for text in FIELDS:
        arguments = ("summary", "nets:Net", "--input", "8", "--model-arg", text)
        yield _case(f"the field {text[:40]!r}", arguments, files({"nets.py": NETS.encode()}))


def _case(name: str, arguments: tuple[str, ...], write: Write = nothing) -> Case:
    return Case(kind="networks of the user", name=name, arguments=arguments, write=write)


def _with_evil(write: Write) -> Write:
    def write_both(folder: Path) -> None:
        write(folder)
        (folder / "evil.py").write_text(EVIL)

    return write_both


def _weights_of(seeds: Seeds, field: str, name: str) -> bytes:
    with safe_open(seeds.weights, "np") as file:
        metadata = file.metadata()
    texts = {**metadata, field: json.dumps(name)}
    if field == "model_source":
        texts["model"] = json.dumps("not_installed")
    return serialized(load_file(seeds.weights), texts)
