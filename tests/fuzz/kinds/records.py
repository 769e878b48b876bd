"""Records in JSON: of a run, of a checkpoint, of a lock, of a hub's folder, of a folder of sheets."""

from __future__ import annotations

import json
import os
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import RESUME, copied, files
from tests.fuzz.mutate import wrong_documents
from tests.fuzz.seeds import TORCH_NETWORK, Seeds

CHECKPOINT_METADATA = "_CHECKPOINT_METADATA"
# A config.json of timm's, beside weights of another network than it states.
HUB_CONFIG = {
    "architecture": "squeezenet1_1",
    "num_classes": 1000,
    "label_names": [f"class {i}" for i in range(1000)],
    "pretrained_cfg": {
        "tag": "in1k",
        "input_size": [3, 224, 224],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "crop_pct": 0.875,
        "interpolation": "bicubic",
        "crop_mode": "center",
    },
}
# Where a run says that its images are.
DATA_PATHS = (
    "",
    ".",
    "..",
    "/dev/zero",
    "/dev/null",
    "nowhere",
    "/nowhere\x1b[31m",
    "/nowhere/\ud800",
    "x" * 5000,
    "a\0b",
)
SHEETS = [{"name": "activations-c1", "title": "A title", "caption": "A caption", "command": "zoo visualize"}]


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each record with each field replaced by each wrong value."""
    yield from _run_config(seeds)
    yield from _metrics(seeds)
    yield from _checkpoint_record(seeds)
    yield from _lock(seeds)
    yield from _hub_config(seeds)
    yield from _sheets(seeds)
    yield from _real_labels(seeds)


def in_run(seeds: Seeds, file: str, content: str, run: Path | None = None) -> Callable[[Path], None]:
    """Writes a valid run, by default the whole one, with another file."""
    return copied(run or seeds.run, "run", lambda run: (run / file).write_text(content, encoding="utf-8") and None)


def _run_config(seeds: Seeds) -> Iterator[Case]:
    config = json.loads((seeds.run / "config.json").read_text())
    predict = ("predict", str(seeds.image), "--checkpoint", "run")
    for name, text, wrong in wrong_documents(config):
        yield Case(
            kind="run's config.json",
            name=name,
            arguments=predict,
            write=in_run(seeds, "config.json", text),
            expected="refused" if wrong else "either",
        )
    for name, field, value in (
        ("a model with a path", "model", "../x"),
        ("a dataset that is a path", "dataset", "/etc"),
        ("a network of 10^12 outputs", "fields", {"num_classes": 10**12}),
        ("a type", "fields", {"dtype": "bfloat16"}),
        ("an unknown field", "fields", {"nonsense": 1}),
        ("a parent", "fields", {"parent": None, "name": "x"}),
    ):
        text = json.dumps({**config, field: value})
        yield Case(kind="run's config.json", name=name, arguments=predict, write=in_run(seeds, "config.json", text))
    for name, data in (
        *((f"the data in {path!r}", {"kind": "folder", "path": path}) for path in DATA_PATHS),
        *((f"the data {name!r}", {"kind": "tfds", "name": name}) for name in ("digitz", "../x", "a/..", "")),
        ("data in memory", {"kind": "arrays"}),
        ("data of unknown place", {}),
    ):
        text = json.dumps({**config, "dataset": "nothing", "data": data})
        write = in_run(seeds, "config.json", text)
        yield Case(kind="data of a run", name=name, arguments=("evaluate", "--checkpoint", "run"), write=write)
    for name, text, wrong in wrong_documents(config["recipe"]):
        whole = json.dumps({**config, "recipe": "@@recipe@@"}).replace('"@@recipe@@"', text)
        # Other commands read less of the recipe than the one that resumes the run.
        if name.endswith((" negative", " half", " huge", " NaN", " text", " null", " unknown", " missing")):
            yield Case(
                kind="config.json of a resumed run",
                name=name,
                arguments=RESUME,
                write=in_run(seeds, "config.json", whole, seeds.half_run),
                expected="refused" if wrong else "either",
                seconds=20,
            )


def _metrics(seeds: Seeds) -> Iterator[Case]:
    lines = (seeds.run / "metrics.jsonl").read_text().splitlines()
    report = ("report", "--checkpoint", "run", "--dataset", "digits", "--limit", "1", "--out", "page.html")
    for name, text, _ in wrong_documents(json.loads(lines[-1])):
        yield Case(
            kind="metrics.jsonl",
            name=name,
            arguments=report,
            write=in_run(seeds, "metrics.jsonl", "\n".join([*lines[:-1], text.replace("\n", " ")])),
            # A row that cannot be read, as after a crash, is left out with a mark.
            expected="either",
            seconds=30,
        )


def _checkpoint_record(seeds: Seeds) -> Iterator[Case]:
    file = f"steps/{next((seeds.half_run / 'steps').iterdir()).name}/{CHECKPOINT_METADATA}"
    stored = json.loads((seeds.half_run / file).read_text())
    record = json.loads(stored["custom_metadata"]["record"])

    def case(name: str, text: str) -> Case:
        # An earlier checkpoint may be used, which is said.
        write = in_run(seeds, file, text, seeds.half_run)
        return Case(kind="checkpoint record", name=name, arguments=RESUME, write=write, expected="either", seconds=30)

    # One array stands for all.
    few = {**record, "shapes": dict(list(record["shapes"].items())[:2])}
    for name, text, _ in wrong_documents({**few, "checksums": dict(list(record["checksums"].items())[:2])}):
        custom = {"record": text, "crc32": zlib.crc32(text.encode())}
        yield case(f"with a right checksum: {name}", json.dumps({**stored, "custom_metadata": custom}))
    for name, text, _ in wrong_documents({**stored, "custom_metadata": {"record": "{}", "crc32": 1}}):
        yield case(name, text)
    handlers = {"metrics": "os.system", "state": "subprocess.Popen"}
    yield case("handlers that are code", json.dumps({**stored, "item_handlers": handlers}))


def _lock(seeds: Seeds) -> Iterator[Case]:
    here = socket.gethostname()
    owner = {
        "id": "0" * 32, "host": here, "machine": "", "boot": "", "namespace": "", "pid": os.getpid(), "started": "",
        "since": "2026-01-01 00:00:00+00:00",
    }  # fmt: skip
    for name, text, _ in wrong_documents(owner):
        yield Case(
            kind="lock.json",
            name=name,
            arguments=RESUME,
            write=in_run(seeds, "lock.json", text, seeds.half_run),
            expected="either",
            seconds=30,
        )


def _hub_config(seeds: Seeds) -> Iterator[Case]:
    for name, text, _ in wrong_documents({**HUB_CONFIG, "label_names": ["a", "b"]}):
        content = {"hub/config.json": text.encode(), "hub/model.safetensors": seeds.torch_weights.read_bytes()}
        yield Case(
            kind="hub's config.json",
            name=name,
            arguments=("convert", "hub", "out.safetensors", "--model", TORCH_NETWORK),
            write=files(content),
            # A foreign record: what is of no use in it is not used.
            expected="either",
        )


def _real_labels(seeds: Seeds) -> Iterator[Case]:
    arguments = ("evaluate", "--dataset", "digits", "--weights", str(seeds.weights), "--real-labels", "real.json")
    for name, text, _ in wrong_documents([[970, 795], []]):
        # These images have other names than ImageNet's.
        yield Case(
            kind="ReaL labels",
            name=name,
            arguments=arguments,
            write=files({"real.json": text.encode()}),
            expected="refused",
        )


def _sheets(seeds: Seeds) -> Iterator[Case]:
    arguments = ("visualize", "--method", "filters", "--layers", "c1", "--out", "sheets")
    for name, text, wrong in wrong_documents(SHEETS):
        is_list = name.startswith(("all list", "all one less"))
        yield Case(
            kind="index of sheets",
            name=name,
            arguments=(*arguments, "--weights", str(seeds.weights)),
            write=files({"sheets/index.json": text.encode(), "sheets/activations-c1.png": b""}),
            expected="refused" if wrong and not is_list else "either",
            seconds=20,
        )
    for value in ("../x", "a/b", "", "a\nb", "<b>", "x" * 300, "\x1b[31m"):
        yield Case(
            kind="index of sheets",
            name=f"a name {value[:10]!r}",
            arguments=(*arguments, "--weights", str(seeds.weights)),
            write=files({"sheets/index.json": json.dumps([{**SHEETS[0], "name": value}]).encode()}),
            expected="either",
        )
