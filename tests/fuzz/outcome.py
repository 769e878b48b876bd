"""What an ended command did: it worked, it said one line, or which promise it broke."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.fuzz.case import Case, Ended
from zoo.printable import JOINERS

GOOD = ("works", "one line")
# In the order of the table. "accepted": a wrong input worked in silence; "refused": a right one did not.
BROKEN = ("code", "outside", "crash", "hang", "memory", "traceback", "warning", "accepted", "refused", "escape")
MAX_MEMORY = 500 * 2**20
# A file that the hostile inputs try to write; see `tests.fuzz.kinds`.
CANARY = "canary"
# Text of a stranger that would run in a page.
SCRIPT = "<script>alert(1)"
# What a terminal may get: lines, and what words and emoji are spelt with.
SHOWN = f"\n{JOINERS}"
# argparse's pointer to --help, our notes and our errors.
OUR_LINE = re.compile(r"(zoo|usage|train\.py|python -m zoo)\b.*")
EXCEPTION = re.compile(r"[\w.]+(Error|Exception|Warning|Interrupt)\b")
STATUS = (0, 1, 2, 129, 130, 143)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A case with its verdict; `detail` is what it said, or how long or large it became."""

    kind: str
    name: str
    verdict: str
    detail: str
    seconds: float
    peak_mebibytes: int

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict in GOOD


def judge(case: Case, ended: Ended, patience: float = 1.0) -> Outcome:
    """The verdict on a case; its time may be `patience` times longer, as on a busy machine."""
    verdict, detail = _verdict(case, ended, patience)
    return Outcome(
        kind=case.kind,
        name=case.name,
        verdict=verdict,
        detail=detail[:400],
        seconds=round(ended.seconds, 2),
        peak_mebibytes=ended.peak // 2**20,
    )


def _verdict(case: Case, ended: Ended, patience: float) -> tuple[str, str]:
    lines = [line for line in ended.error.splitlines() if line.strip()]
    last = lines[-1] if lines else ended.output.strip()[-200:]
    if CANARY in ended.outside or ended.has_script:
        return "code", last
    if ended.outside:
        return "outside", " ".join(ended.outside)
    if ended.killed:
        return ended.killed, f"after {ended.seconds:.1f} s, {ended.peak // 2**20} MiB"
    if ended.status < 0 or ended.status not in STATUS:
        return "crash", f"status {ended.status}: {last}"
    if "Traceback (most recent call last)" in ended.error:
        return "traceback", next((line for line in reversed(lines) if EXCEPTION.match(line)), last)
    if ended.peak > MAX_MEMORY:
        return "memory", f"{ended.peak // 2**20} MiB"
    if ended.seconds > case.seconds * patience:
        return "hang", f"{ended.seconds:.1f} s: {last}"
    if any(not character.isprintable() for character in ended.error if character not in SHOWN):
        return "escape", ascii(ended.error[:300])
    if stray := [line for line in lines if not OUR_LINE.match(line)]:
        return "warning", stray[0]
    if ended.status == 0:
        return ("accepted" if case.expected == "refused" else "works"), last
    if not lines:
        return "refused", f"status {ended.status} without a line"
    if _plain(case.named) not in _plain(last):
        return "accepted", last
    return ("refused" if case.expected == "works" else "one line"), last


def _plain(text: str) -> str:
    """A flag and the setting of its name are the same."""
    return text.replace("-", "").replace("_", "")
