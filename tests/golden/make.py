"""Make the golden logits with the originals: python tests/golden/make.py [PATTERN] (needs torch, torchvision, timm).

Each network's file, tests/golden/logits/<name>.npz, has the original's logits for `fill.image` with parameters from
`fill.fill`, and which version of which library gave them.
"""

import importlib.metadata
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import torch
from fill import fill, image
from originals import ORIGINALS, build_original, gain

sys.path.insert(0, str(Path(__file__).parent.parent))
FOLDER = Path(__file__).with_name("logits")


def filled_original(name: str) -> torch.nn.Module:
    """The original with our fixed parameters."""
    model = build_original(name)
    state = {
        key: value
        if key.endswith("num_batches_tracked")
        else torch.from_numpy(fill(key, tuple(value.shape)) * gain(name, key))
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    return model


def golden_logits(name: str, size: int) -> np.ndarray:
    """[1, classes] of the original, for one image of `size` pixels a side."""
    with torch.no_grad():
        return filled_original(name)(torch.from_numpy(image(size, size)).permute(0, 3, 1, 2)).numpy()


def main(pattern: str) -> None:
    """Write the files of all networks whose name matches."""
    import zoo

    FOLDER.mkdir(exist_ok=True)
    for name, (source, original) in ORIGINALS.items():
        if fnmatchcase(name, pattern):
            logits = golden_logits(name, zoo.model_info(name).input_size)
            version = importlib.metadata.version(source)
            np.savez(FOLDER / f"{name}.npz", logits=logits, made_with=f"{source} {version} {original}")
            print(f"{name}: {logits.shape}, standard deviation {logits.std():.3g}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "*")
