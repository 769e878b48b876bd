"""Run folders with damaged, missing or strange files in their checkpoints."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.kinds.files import RESUME, copied
from tests.fuzz.mutate import damaged
from tests.fuzz.seeds import Seeds


def cases(seeds: Seeds, seed: int, count: int) -> Iterator[Case]:
    """Each file of a run damaged, missing, or a folder; and folders that look like runs."""
    for file in sorted(path.relative_to(seeds.half_run) for path in seeds.half_run.rglob("*") if path.is_file()):
        content = (seeds.half_run / file).read_bytes()
        for name, changed in damaged(content, seed, 1):
            yield _case(seeds, f"{file}: {name}", _writing(file, changed))
        yield _case(seeds, f"{file}: missing", lambda run, file=file: (run / file).unlink())
        yield _case(seeds, f"{file}: a folder", lambda run, file=file: _as_folder(run / file))
    for name, change in {
        "no steps": lambda run: shutil.rmtree(run / "steps"),
        "a step of another name": lambda run: (run / "steps" / "latest").mkdir(),
        "a step of 10^30": lambda run: (run / "steps" / str(10**30)).mkdir(),
        "a step of 5,000 digits": lambda run: (run / "steps" / ("9" * 250)).mkdir(),
        "a step of superscripts": lambda run: (run / "steps" / "³").mkdir(),
        "an empty step": lambda run: (run / "steps" / "99999").mkdir(),
        "a step that is a file": lambda run: (run / "steps" / "99999").write_text(""),
        "an unfinished step": lambda run: (run / "steps" / "99999.orbax-checkpoint-tmp-0").mkdir(),
        "a link to the root": lambda run: (run / "steps" / "99998").symlink_to("/"),
        "a link to itself": lambda run: (run / "steps" / "99997").symlink_to("99997"),
    }.items():
        yield _case(seeds, name, change)


def _case(seeds: Seeds, name: str, change: Callable[[Path], object]) -> Case:
    # Every other one is resumed, which reads all of the state.
    resume = sum(name.encode()) % 2
    return Case(
        kind="run folders",
        name=f"{'resume' if resume else 'predict'}: {name}",
        arguments=RESUME if resume else ("predict", str(seeds.image), "--checkpoint", "run"),
        write=copied(seeds.half_run, "run", lambda run: change(run) and None),
        expected="either",
        seconds=30,
    )


def _writing(file: Path, content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / file).write_bytes(content)


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
