"""The system around a command: its streams, variables, limits and permissions. Each case starts an interpreter."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case, nothing
from tests.fuzz.kinds.files import files, train
from tests.fuzz.seeds import NETWORK, Seeds, image_bytes

# man 2 prctl, man 7 capabilities
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
Change = Callable[[], None]


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each condition with each command that it concerns."""
    commands = {
        "list": ("list", "vgg*"),
        "summary": ("summary", NETWORK),
        "predict": ("predict", str(seeds.image), "--weights", str(seeds.weights)),
        "report": ("report", NETWORK, "--out", "page.html"),
        "visualize": (
            *("visualize", "--method", "filters", "--layers", "c1", "--out", "o"),
            *("--weights", str(seeds.weights)),
        ),
        "train": train(),
    }
    for name, shell in streams().items():
        for command, arguments in commands.items():
            yield _case(f"{command}: {name}", arguments, shell=shell)
    for name, environment in variables().items():
        for command in ("list", "predict", "visualize", "train"):
            yield _case(f"{command}: {name}", commands[command], environment=environment)
    for name, before in limits().items():
        for command in ("list", "predict", "train"):
            yield _case(f"{command}: {name}", commands[command], before=before)
    for name, (arguments, write) in permissions(seeds).items():
        yield _case(name, arguments, before=_obey_modes, write=write)
    for name, (arguments, write) in outputs(seeds).items():
        yield _case(name, arguments, write=write)


def _case(
    name: str,
    arguments: tuple[str, ...],
    *,
    shell: tuple[str, ...] = (),
    environment: dict[str, str | None] | None = None,
    before: Change = nothing,
    write: Callable[[Path], None] = nothing,
) -> Case:
    return Case(
        kind="environments",
        name=name,
        arguments=arguments,
        expected="either",
        fresh=True,
        shell=shell,
        environment=environment or {},
        before=before,
        write=write,
        # Imports and a short training, on one core.
        seconds=40,
    )


def streams() -> dict[str, tuple[str, ...]]:
    """Prefixes of the command line that change its streams."""
    return {
        name: ("sh", "-c", script, "sh")
        for name, script in {
            "output closed": '"$@" >&-',
            "errors closed": '"$@" 2>&-',
            "input closed": '"$@" <&-',
            "all closed": '"$@" >&- 2>&- <&-',
            "output to /dev/full": '"$@" >/dev/full',
            "errors to /dev/full": '"$@" 2>/dev/full',
            "output to a closed pipe": '"$@" | :',
            "output to head": '"$@" | head -1',
            "all to a closed pipe": '"$@" 2>&1 | :',
        }.items()
    }


def variables() -> dict[str, dict[str, str | None]]:
    """Variables of the environment that are wrong."""
    return {
        "no HOME": {"HOME": None},
        "HOME is a file": {"HOME": "/dev/null"},
        "HOME is not there": {"HOME": "/nonexistent"},
        "TMPDIR is not there": {"TMPDIR": "/nonexistent"},
        "cache is a file": {"ZOO_CACHE": "/dev/null"},
        "cache is in /proc": {"ZOO_CACHE": "/proc/x"},
        "cache has a long name": {"ZOO_CACHE": "/" + "x" * 300},
        "JAX_PLATFORMS=nonsense": {"JAX_PLATFORMS": "nonsense"},
        "JAX_PLATFORMS=cuda": {"JAX_PLATFORMS": "cuda"},
        "XLA_FLAGS=nonsense": {"XLA_FLAGS": "--nonsense"},
        "XLA_FLAGS without dashes": {"XLA_FLAGS": "nonsense"},
        "JAX_ENABLE_X64=nonsense": {"JAX_ENABLE_X64": "nonsense"},
        "JAX_COMPILATION_CACHE_DIR is a file": {"JAX_COMPILATION_CACHE_DIR": "/dev/null"},
        "KERAS_BACKEND=nonsense": {"KERAS_BACKEND": "nonsense"},
        "MPLBACKEND=nonsense": {"MPLBACKEND": "nonsense"},
        "MPLCONFIGDIR is a file": {"MPLCONFIGDIR": "/dev/null"},
        "MATPLOTLIBRC is broken": {"MATPLOTLIBRC": "/etc/passwd"},
        "PYTHONIOENCODING=ascii": {"PYTHONIOENCODING": "ascii"},
        "LC_ALL=C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "COLUMNS=0": {"COLUMNS": "0"},
        "COLUMNS=1": {"COLUMNS": "1"},
        "COLUMNS=nonsense": {"COLUMNS": "nonsense", "LINES": "-1"},
        "TERM=dumb": {"TERM": "dumb"},
        "FORCE_COLOR": {"FORCE_COLOR": "1"},
        "PYTHONWARNINGS=error": {"PYTHONWARNINGS": "error"},
        "PYTHONOPTIMIZE=2": {"PYTHONOPTIMIZE": "2"},
        "TFDS_DATA_DIR is a file": {"TFDS_DATA_DIR": "/dev/null"},
        "a variable that is not UTF-8": {"TFDS_DATA_DIR": os.fsdecode(b"\xff")},
    }


def limits() -> dict[str, Change]:
    """Limits of the system that are too low."""
    return {
        "16 file handles": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)),
        "48 file handles": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48)),
        "files of 0 bytes": lambda: _limit_files(0),
        "files of 100,000 bytes": lambda: _limit_files(100_000),
        "1 GB of addresses": lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
        "256 kB of stack": lambda: resource.setrlimit(resource.RLIMIT_STACK, (2**18, 2**18)),
        "Ctrl-C is ignored": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None,
        "no permission for new files": lambda: os.umask(0o777) and None,
        "a folder that was removed": lambda: _go_into_removed_folder(),
    }


def permissions(seeds: Seeds) -> dict[str, tuple[tuple[str, ...], Callable[[Path], None]]]:
    """Files and folders without permission."""
    weights = ("--weights", str(seeds.weights))
    data = {f"data/{name}/{i}.png": image_bytes("PNG") for name in "ab" for i in range(4)}
    valid = {"weights.safetensors": seeds.weights.read_bytes(), "image.png": seeds.image.read_bytes()}

    def with_mode(content: dict[str, bytes], path: str, mode: int) -> Callable[[Path], None]:
        def write(folder: Path) -> None:
            files({**valid, **content})(folder)
            (folder / path).chmod(mode)

        return write

    predict = ("predict", "image.png", "--weights", "weights.safetensors")
    return {
        "an image without permission": (predict, with_mode({}, "image.png", 0)),
        "weights without permission": (predict, with_mode({}, "weights.safetensors", 0)),
        "a folder of images without permission": (("predict", "data", *weights), with_mode(data, "data/a", 0)),
        "a data set without permission": (("evaluate", "--dataset", "data", *weights), with_mode(data, "data", 0)),
        "a run folder without permission": (train("--run-dir", "r/run"), with_mode({"r/x": b""}, "r", 0o555)),
        "a run without permission": (train("--resume", "--run-dir", "r"), with_mode({"r/config.json": b""}, "r", 0)),
        "a page without permission": (("report", NETWORK, "--out", "r/p.html"), with_mode({"r/x": b""}, "r", 0o555)),
        "a page that exists": (("report", NETWORK, "--out", "p.html"), with_mode({"p.html": b""}, "p.html", 0o444)),
        "here without permission": (train(), with_mode({}, ".", 0o555)),
    }


def outputs(seeds: Seeds) -> dict[str, tuple[tuple[str, ...], Callable[[Path], None]]]:
    """Outputs that cannot be written, or have strange names."""
    weights = ("--weights", str(seeds.weights))
    report = ("report", NETWORK, "--out")
    found = {}
    for out in (
        "/dev/full", "/proc/x", "absent/page.html", "n" * 252 + ".html", "d/" * 2100 + "page.html",
        "~nosuchuser/p.html", "/", ".", "..", "page.html/", "/dev/null/page.html",
    ):  # fmt: skip
        found[f"report --out {out[:20]}"] = ((*report, out), nothing)
        found[f"convert to {out[:20]}"] = (("convert", str(seeds.weights), out, "--model", NETWORK), nothing)
        sheets = ("visualize", "--method", "filters", "--layers", "c1", "--out", out, *weights)
        found[f"visualize --out {out[:20]}"] = (sheets, nothing)
        found[f"train --run-dir {out[:20]}"] = (train("--run-dir", out), nothing)
    for name in ("", ".", "~", "~nosuchuser", "/proc", "/dev/null"):
        found[f"train --run-dir {name!r}"] = (train("--run-dir", name), nothing)
        found[f"train --dataset {name!r}"] = (train("--dataset", name), nothing)
        found[f"train --data-dir {name!r}"] = (train("--dataset", "mnist", "--data-dir", name), nothing)
        found[f"predict --checkpoint {name!r}"] = (("predict", str(seeds.image), "--checkpoint", name), nothing)
    return found


def _go_into_removed_folder() -> None:
    Path("gone").mkdir()
    os.chdir("gone")
    Path("../gone").rmdir()


def _limit_files(size: int) -> None:
    # Otherwise a signal ends the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _obey_modes() -> None:
    """Root is asked for permission as others are, in the interpreter that is started next."""
    if os.getuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
