"""`import zoo` is cheap."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys, time
import jax, flax.linen
before = set(sys.modules)
began = time.process_time()
import zoo
for name in zoo.__all__:
    getattr(zoo, name)
seconds = time.process_time() - began
heavy = {"tensorflow", "torch", "tensorflow_datasets", "matplotlib", "grain", "orbax", "sklearn", "keras", "timm",
         "huggingface_hub", "h5py", "requests", "tensorboardX"}
# Private: no public function says whether a backend has started. If it moves, drop this check.
backends = bool(jax._src.xla_bridge._backends)
print(json.dumps({"seconds": seconds, "heavy": sorted(heavy & (set(sys.modules) - before)), "backends": backends}))
"""


def test_importing_zoo_is_fast_light_and_starts_no_backend():
    output = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    found = json.loads(output)
    assert not found["heavy"]
    # Of CPU time, as tests that run at the same time slow this one down: one second on an idle machine.
    assert found["seconds"] < 2
    assert not found["backends"]
