"""The fuzz command; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.outcome import BROKEN, GOOD, Outcome
from tests.fuzz.processes import run_cases
from tests.fuzz.seeds import Seeds, make_seeds

KINDS = (
    "safetensors_files",
    "torch_files",
    "keras_files",
    "numpy_files",
    "idx_files",
    "image_files",
    "image_folders",
    "tfds_folders",
    "tar_shards",
    "image_tables",
    "packs",
    "special_files",
    "records",
    "run_folders",
    "names",
    "command_lines",
    "user_networks",
    "exports",
    "environments",
    "downloads",
    "clocks",
)
# What commands import when they run, so that the forked ones need not.
IMPORTED = (
    *(
        f"zoo.commands.{name}"
        for name in ("train", "predict", "evaluate", "convert", "report", "visualize", "summary", "data")
    ),
    *(
        "zoo.commands.data",
        "zoo.training",
        "zoo.inference.prediction",
        "zoo.weights.convert",
        "zoo.report",
    ),
    *("zoo.data.pack", "zoo.data.inspection.survey", "zoo.inference.evaluation"),
    *("zoo.visualize.sheets.sheet_plan", "zoo.data.open", "zoo.data.sources.tfds", "zoo.count", "orbax.checkpoint"),
    *("requests", "matplotlib.figure", "rich.progress", "PIL.Image"),
)
OPTIONAL = ("torch", "h5py", "huggingface_hub", "zoo.data.sources.image_tables")


def main(given: Sequence[str] | None = None) -> int:
    """Run the chosen cases, print a table, and return 1 where a promise was broken."""
    args = _parser().parse_args(given)
    for name in IMPORTED:
        import_module(name)
    for name in OPTIONAL:
        try:
            import_module(name)
        except ImportError:
            print(f"without {name}: its files are refused unread", file=sys.stderr)
    start = time.monotonic()
    # Not a TemporaryDirectory, which each forked process would remove at its end.
    folder = Path(tempfile.mkdtemp(prefix="zoo-fuzz-"))
    try:
        outcomes = list(_printed(run_cases(_chosen(args, make_seeds(folder / "seeds")), folder, args.jobs), args))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{table(outcomes)}\n\n{len(outcomes)} cases in {time.monotonic() - start:.0f} s")
    return int(not all(outcome.good for outcome in outcomes))


def _printed(outcomes: Iterable[Outcome], args: argparse.Namespace) -> Iterator[Outcome]:
    for outcome in outcomes:
        if not outcome.good or args.verbose:
            print(f"{outcome.verdict:9}  {outcome.kind}: {outcome.name}: {outcome.detail}", flush=True)
        if args.json:
            with args.json.open("a") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
        yield outcome


def table(outcomes: Iterable[Outcome]) -> str:
    """The number of cases of each kind by verdict, as a table of Markdown."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.kind, Counter())[outcome.verdict] += 1
    counts["all"] = sum(counts.values(), Counter())
    rows = [["kind", "inputs", *GOOD, *BROKEN]]
    rows += [
        [kind, str(count.total()), *(str(count[v] or "") for v in GOOD + BROKEN)] for kind, count in counts.items()
    ]
    rows.insert(1, ["---"] * len(rows[0]))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is random (default: 0)")
    parser.add_argument("--count", type=int, default=5, metavar="N", help="random damages of a kind (default: 5)")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N cases of each kind, chosen at random")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with this text in kind or name")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="cases at a time (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append each outcome to this file, as a line")
    parser.add_argument("--verbose", action="store_true", help="print each case")
    return parser


def _chosen(args: argparse.Namespace, seeds: Seeds) -> Iterator[Case]:
    unknown = set(args.kinds) - set(KINDS)
    if unknown:
        sys.exit(f"no kind {', '.join(unknown)}: choose of {', '.join(KINDS)}")
    for kind in args.kinds or KINDS:
        found = import_module(f"tests.fuzz.kinds.{kind}").cases(seeds, args.seed, args.count)
        found = (case for case in found if args.only in f"{case.kind}: {case.name}")
        yield from found if args.sample is None else _sample(found, args.sample, args.seed)


def _sample(cases: Iterable[Case], count: int, seed: int) -> Iterator[Case]:
    """At most `count` cases of each kind."""
    by_kind: dict[str, list[Case]] = {}
    for case in cases:
        by_kind.setdefault(case.kind, []).append(case)
    for every in by_kind.values():
        yield from random.Random(seed).sample(every, min(count, len(every)))


if __name__ == "__main__":
    sys.exit(main())
