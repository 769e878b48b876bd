"""Train a network of the zoo: python train.py --model googlenet. The same as python -m zoo train."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # The file itself, as any import of zoo would import JAX, and then once more after the restart.
    runpy.run_path(str(Path(__file__).parent / "zoo" / "runtime" / "huge_pages.py"))["restart_with_huge_pages"]()

    from zoo.__main__ import main
    from zoo.runtime.log_filters import quiet_libraries

    quiet_libraries()
    sys.exit(main(["train", *sys.argv[1:]]))
