"""Make the golden logits: python tests/golden/make.py [PATTERN] (needs torch, torchvision, timm, Keras and,
for Inception v2, Cadene's pretrainedmodels).

Each network's file, tests/golden/logits/<name>.npz, has the original's logits for `fill.image` with parameters from
`originals.parameter`, and which version of which library gave them.
"""

import importlib.metadata
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch
from fill import image
from originals import ORIGINALS, build_original, parameter

sys.path.insert(0, str(Path(__file__).parent.parent))
FOLDER = Path(__file__).with_name("logits")
PACKAGES = {"cadene": "pretrainedmodels"}


def torch_logits(name: str, x: np.ndarray) -> np.ndarray:
    """[1, classes] of the torch original with our fixed parameters, which sees blue first where it expects that."""
    from zoo.weights.names import names_of

    model = build_original(name)
    state = {
        key: value
        if key.endswith("num_batches_tracked")
        else torch.from_numpy(parameter(name, key, tuple(value.shape)))
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    with torch.no_grad():
        x = x[..., ::-1].copy() if names_of(name, ORIGINALS[name][0]).bgr else x
        return model(torch.from_numpy(x).permute(0, 3, 1, 2)).numpy()


def keras_logits(name: str, x: np.ndarray) -> np.ndarray:
    """[1, classes] of the Keras original with our fixed parameters, which sees blue first where it expects that."""
    from zoo.weights.names import names_of

    model = build_original(name)
    for weight in model.weights:
        weight.assign(parameter(name, weight.path, tuple(weight.shape)))
    return np.asarray(model(x[..., ::-1] if names_of(name, "keras").bgr else x, training=False))


def main(pattern: str) -> None:
    """Write the files of all networks whose name matches."""
    import zoo

    FOLDER.mkdir(exist_ok=True)
    for name, (source, original) in ORIGINALS.items():
        if fnmatchcase(name, pattern):
            size = zoo.model_info(name).input_size
            logits = (keras_logits if source == "keras" else torch_logits)(name, image(size, size))
            version = importlib.metadata.version(PACKAGES.get(source, source))
            np.savez(FOLDER / f"{name}.npz", logits=logits, made_with=f"{source} {version} {original}")
            print(f"{name}: {logits.shape}, standard deviation {logits.std():.3g}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "*")
