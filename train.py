"""Train a network of the zoo: python train.py --model googlenet. The same as python -m zoo train."""

import sys

from zoo.__main__ import run_in_process
from zoo.runtime.process import run_process

if __name__ == "__main__":
    sys.exit(run_process(lambda: run_in_process(["train", *sys.argv[1:]], "python train.py")))
