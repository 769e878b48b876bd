"""Tests that take half a second or more on average: CI runs them. medium.txt names their functions.

To make it anew, on an idle machine:
pytest -n 2 -m "not slow and not torch and not notebook and not gpu" --durations=0 --durations-min=0 -vv >durations.txt
python tests/medium.py durations.txt
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

MEDIUM = Path(__file__).with_name("medium.txt")
SECONDS = 0.5
# In every run: the logits of one network per family, and what a change of the layout or of the imports breaks.
ALWAYS = ("tests/networks/", "tests/test_layout.py", "tests/test_import.py")


def function_of(test: str) -> str:
    """`file::function` of a test, without its parameters."""
    return test.partition("[")[0]


def medium_functions() -> set[str]:
    """The functions that medium.txt names."""
    return set(MEDIUM.read_text(encoding="utf-8").split())


def long_functions(durations: str) -> list[str]:
    """The functions whose tests take at least SECONDS on average, in what pytest prints with --durations."""
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for taken, test in re.findall(r"^([\d.]+)s (?:call|setup|teardown) +(\S.*)$", durations, re.MULTILINE):
        seconds[function_of(test)][test] += float(taken)
    means = {function: sum(tests.values()) / len(tests) for function, tests in seconds.items()}
    return sorted(function for function, mean in means.items() if mean >= SECONDS and not function.startswith(ALWAYS))


if __name__ == "__main__":
    functions = long_functions(Path(sys.argv[1]).read_text(encoding="utf-8"))
    MEDIUM.write_text("".join(f"{function}\n" for function in functions), encoding="utf-8")
