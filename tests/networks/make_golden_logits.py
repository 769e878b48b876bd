"""Make the golden logits: python tests/networks/make_golden_logits.py [PATTERN]

It needs torch, torchvision, timm and Keras; Cadene's networks need `pretrainedmodels`. Each network's file,
tests/networks/golden_logits/<name>.npz, has the original's logits for `fill.image` with parameters from
`originals.parameter`, and the library and version that gave them.
"""

import importlib.metadata
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch

TESTS = Path(__file__).parent.parent
FOLDER = Path(__file__).with_name("golden_logits")
PACKAGES = {"cadene": "pretrainedmodels"}


def torch_logits(name: str, x: np.ndarray) -> np.ndarray:
    """[1, classes] of the torch original with our fixed parameters."""
    from networks.originals import build_original, parameter

    model = build_original(name)
    with torch.no_grad():
        # In place: some modules need the metadata of their state dict when they load one.
        for key, value in model.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                value.copy_(torch.from_numpy(parameter(name, key, tuple(value.shape))))
        return model(torch.from_numpy(x.copy()).permute(0, 3, 1, 2)).numpy()


def keras_logits(name: str, x: np.ndarray) -> np.ndarray:
    """[1, classes] of the Keras original with our fixed parameters."""
    from networks.originals import build_original, parameter

    model = build_original(name)
    for weight in model.weights:
        weight.assign(parameter(name, weight.path, tuple(weight.shape)))
    return np.asarray(model(x, training=False))


def main(pattern: str) -> None:
    """Write the files of all networks whose name matches."""
    from networks.fill import image
    from networks.originals import ORIGINALS

    import zoo
    from zoo.weights.key_maps import find_key_map

    FOLDER.mkdir(exist_ok=True)
    for name, (library, original) in ORIGINALS.items():
        if fnmatchcase(name, pattern):
            size = zoo.model_info(name).input_size
            x = image(size, size)
            x = x[..., ::-1] if find_key_map(name, library).bgr else x
            logits = (keras_logits if library == "keras" else torch_logits)(name, x)
            version = importlib.metadata.version(PACKAGES.get(library, library))
            np.savez(FOLDER / f"{name}.npz", logits=logits, made_with=f"{library} {version} {original}")
            print(f"{name}: {logits.shape}, standard deviation {logits.std():.3g}", flush=True)


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    main(sys.argv[1] if len(sys.argv) > 1 else "*")
