"""The text of a step that XLA has optimised, without the machine code, whose making takes a compiler most of its time.

A process of its own compiles, and is ended as soon as the text is written.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from ahead_of_time import Step, compile_step, described_devices

FLAGS = "--xla_dump_hlo_as_text --xla_dump_hlo_module_re=jit_step --xla_syntax_sugar_async_ops=true"
TEXT = "*jit_step*after_optimizations.txt"
# What XLA writes behind it.
NEXT = "*jit_step*after_optimizations-memory-usage-report.txt"


def optimised_text(step: Step, devices: str) -> str:
    """The text of `compile_step` for devices by their name. Raises RuntimeError with what the compiler says."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        errors = folder / "errors.txt"
        environment = {
            **os.environ,
            "XLA_FLAGS": f"--xla_dump_to={folder} {FLAGS}",
            # What is in the cache has no text.
            "JAX_ENABLE_COMPILATION_CACHE": "false",
        }
        command = [sys.executable, __file__, devices, json.dumps(asdict(step))]
        with errors.open("w") as output, subprocess.Popen(command, env=environment, stderr=output) as process:
            try:
                while not any(folder.glob(NEXT)):
                    if process.poll() is not None:
                        raise RuntimeError(f"{step.network} on {devices}: {errors.read_text()[-2000:]}")
                    time.sleep(0.2)
            finally:
                process.kill()
        (text,) = folder.glob(TEXT)
        return text.read_text()


if __name__ == "__main__":
    os.environ["JAX_PLATFORMS"] = "cpu"
    compile_step(Step(**json.loads(sys.argv[2])), described_devices(sys.argv[1]))
