"""What is no regular file, where one is read: a pipe, a socket, a device, a folder, a link in a loop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import RESUME, copied, files, predict, predict_image
from tests.fuzz.seeds import NETWORK, TORCH_NETWORK, Seeds, idx_files, image_bytes


def _socket(path: Path) -> None:
    # An address has at most 108 characters.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "FIFO": lambda path: os.mkfifo(path),
    "socket": _socket,
    "/dev/zero": _to("/dev/zero"),
    "/dev/tty": _to("/dev/tty"),
    "/dev/full": _to("/dev/full"),
    "folder": lambda path: path.mkdir(),
    "loop of links": _loop,
    "broken link": _to("nowhere"),
    "/proc/self/mem": _to("/proc/self/mem"),
    "link to a FIFO": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe"))[0],
}
RUN_FILES = ("config.json", "metrics.jsonl", "lock.json", "steps")


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each special file in each place where a regular one is read."""
    for name, make in SPECIAL.items():
        for place, (arguments, write, file) in _places(seeds).items():
            yield Case(
                kind="special files",
                name=f"{name} as {place}",
                arguments=arguments,
                write=_replacing(write, file, make),
                # Without this file a command may have another way; a folder may be what is expected.
                expected="either",
            )


def _places(seeds: Seeds) -> dict[str, tuple[tuple[str, ...], Callable[[Path], None], str]]:
    weights = ("convert", "w.safetensors", "out.safetensors", "--model", NETWORK)
    to_squeezenet = ("o.safetensors", "--model", TORCH_NETWORK)
    idx = files({f"data/{name}": content for name, content in idx_files().items()})
    images = files({f"data/{name}/{i}.png": image_bytes("PNG") for name in "ab" for i in range(4)})
    run, half_run = (copied(source, "run", lambda folder: None) for source in (seeds.run, seeds.half_run))
    hub = files({"hub/config.json": b"{}", "hub/model.safetensors": seeds.torch_weights.read_bytes()})
    evaluate = ("evaluate", "--dataset", "data", "--weights", str(seeds.weights))
    return {
        "weights": (predict(seeds, "w.safetensors"), files({}), "w.safetensors"),
        "weights of convert": (weights, files({}), "w.safetensors"),
        "torch weights": (("convert", "w.pth", *to_squeezenet), files({}), "w.pth"),
        "NumPy weights": (("convert", "w.npz", *to_squeezenet), files({}), "w.npz"),
        "a file:// source": (("convert", "file://{folder}/w.safetensors", *weights[2:]), files({}), "w.safetensors"),
        "a hub's config.json": (
            ("convert", "hub", "o.safetensors", "--model", "squeezenet1_1"),
            hub,
            "hub/config.json",
        ),
        "IDX": (evaluate, idx, "data/train-images-idx3-ubyte"),
        "an image in a folder": (evaluate, images, "data/a/0.png"),
        "an image of visualize": (
            ("visualize", "--method", "occlusion", "--images", "i.png", "--out", "o", "--weights", str(seeds.weights)),
            files({}),
            "i.png",
        ),
        "output": (("report", NETWORK, "--out", "page.html"), files({}), "page.html"),
        "index of sheets": (
            ("visualize", "--method", "filters", "--layers", "c1", "--out", "o", "--weights", str(seeds.weights)),
            files({"o/index.html": b""}),
            "o/index.json",
        ),
        "a class folder": (predict_image(seeds, "data"), images, "data/a"),
        **{
            f"a run's {file}": (("predict", str(seeds.image), "--checkpoint", "run"), run, f"run/{file}")
            for file in RUN_FILES
        },
        **{f"{file} of a resumed run": (RESUME, half_run, f"run/{file}") for file in RUN_FILES},
    }


def _replacing(write: Callable[[Path], None], file: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    def write_all(folder: Path) -> None:
        write(folder)
        path = folder / file
        if path.is_dir():
            path.rename(path.with_name(f"{path.name} before"))
        else:
            path.unlink(missing_ok=True)
        make(path)

    return write_all
