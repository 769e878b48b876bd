"""Data sets that TFDS has prepared, with other descriptions and damaged records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import copied
from tests.fuzz.mutate import damaged, wrong_documents
from tests.fuzz.outcome import CANARY
from tests.fuzz.seeds import Seeds

MODULE = "a_strangers_module"
CODE = f"from pathlib import Path\nPath('../{CANARY}').write_text('')\n"


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each file of a prepared data set changed; the features of one that TFDS does not know name code."""
    prepared = next(seeds.tfds.rglob("features.json")).parent
    place = prepared.relative_to(seeds.tfds)

    def case(name: str, change: Callable[[Path], object], expected: Any = "either") -> Case:
        return Case(
            kind="TFDS folders",
            name=name,
            arguments=("evaluate", "--data-dir", "data", "--weights", str(seeds.weights), "--dataset", "digits"),
            write=copied(seeds.tfds, "data", lambda data: change(data) and None),
            expected=expected,
            seconds=20,
        )

    yield case("valid", lambda data: None, "works")
    for file in sorted(path.name for path in prepared.iterdir() if path.is_file()):
        content = (prepared / file).read_bytes()
        for name, changed in damaged(content, seed, count):
            yield case(f"{file}: {name}", _writing(place / file, changed))
        if file.endswith(".json"):
            for name, text, _ in wrong_documents(json.loads(content)):
                yield case(f"{file}: {name}", _writing(place / file, text.encode()))
    for name, feature in {
        "a feature that is code": {"pythonClassName": f"{MODULE}.Feature", "jsonFeature": {"json": "{}"}},
        "an old feature that is code": {"type": f"{MODULE}.Feature", "content": {}},
    }.items():
        renamed = case(name, lambda data, feature=feature: _rename(data / place, feature), "refused")
        # An interpreter of its own imports from the folder in which it starts.
        yield replace(renamed, arguments=(*renamed.arguments, "--dataset", "strange"), fresh=True)


def _writing(file: Path, content: bytes) -> Callable[[Path], object]:
    return lambda data: (data / file).write_bytes(content)


def _rename(folder: Path, feature: dict[str, Any]) -> None:
    """The data set under a name that TFDS has no code for, with other features, and the code beside."""
    (folder / "features.json").write_text(json.dumps(feature))
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps({**info, "name": "strange"}))
    folder.parent.rename(folder.parent.with_name("strange"))
    (folder.parent.parent.parent / f"{MODULE}.py").write_text(CODE)
