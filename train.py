"""Train a network of the zoo: python train.py --model googlenet"""

import runpy
import sys
from pathlib import Path

# Before JAX is imported, or it would be imported twice: even `from zoo.runtime.huge_pages import` does that.
if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).parent / "zoo" / "runtime" / "huge_pages.py"))["restart_with_large_pages"]()

from zoo.commands.train import main
from zoo.runtime.log_filters import quiet_libraries

if __name__ == "__main__":
    quiet_libraries()
    sys.exit(main())
