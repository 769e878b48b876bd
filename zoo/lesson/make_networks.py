"""Write zoo/lesson/networks.npz: python -m zoo.lesson.make_networks --clothes FOLDER.

The page's networks as float16: a LeNet-5 that is trained here on the embedded digits, at ten points of its run, and the
trained LeNet-5 of checkpoints/, with one test image of each class. FOLDER has the IDX files of Fashion-MNIST (Zalando
SE, MIT licence).
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

import zoo
from zoo.data.open import open_dataset
from zoo.lesson.live_data import FILE
from zoo.training.checkpoint.checkpoint_weights import checkpoint_weights
from zoo.training.checkpoint.run_folder import RunFolder
from zoo.training.initial_state import state_initializer
from zoo.training.logging.rows import read_evaluations, step_of
from zoo.weights import Weights, load

# Points of the run that the page shows, besides the initial values.
EPOCHS = (1, 2, 3, 4, 6, 9, 14, 20, 30)
CLOTHES_WEIGHTS = Path("checkpoints/lenet5-fashion-mnist.safetensors")


def main() -> None:
    """Train, collect and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clothes", required=True, help="folder with the IDX files of Fashion-MNIST")
    clothes = load(CLOTHES_WEIGHTS)
    images = _one_of_each_class(open_dataset(parser.parse_args().clothes).test)
    arrays = {**_digits_arrays(), **_arrays("clothes", [clothes]), "clothes_images": images}
    np.savez_compressed(FILE, **arrays)  # type: ignore[arg-type]
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes, digits {arrays['digits_accuracies'][-1]:.4f}")


def _digits_arrays() -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        zoo.train("lenet5", "digits", {"epochs": EPOCHS[-1]}, run_dir=run.path, options={"keep": EPOCHS[-1]})
        rows = {row["epoch"]: row for row in read_evaluations(run)}
        trained = [checkpoint_weights(run.path, step_of(rows[epoch])) for epoch in EPOCHS]
        make = state_initializer(run.read_config(), steps_per_epoch=1)
        initial = make(jax.random.key(0), {}).params
    arrays = _arrays("digits", trained)
    for path, leaf in jax.tree_util.tree_leaves_with_path(initial):
        name = f"digits/{'/'.join(key.key for key in path)}"
        arrays[name] = np.concatenate([np.asarray(leaf, np.float16)[None], arrays[name]])
    accuracies = [rows[epoch]["test_accuracy"] for epoch in EPOCHS]
    return {**arrays, "digits_epochs": np.array([0, *EPOCHS]), "digits_accuracies": np.array([0.1, *accuracies])}


def _arrays(prefix: str, points: list[Weights]) -> dict[str, np.ndarray]:
    """Parameters [point, ...] by name, and the mean and the deviation of the images."""
    leaves: dict[str, list[Any]] = {}
    for weights in points:
        for path, leaf in jax.tree_util.tree_leaves_with_path(weights.variables["params"]):
            leaves.setdefault("/".join(key.key for key in path), []).append(np.asarray(leaf, np.float16))
    preprocessing = points[0].preprocessing
    statistics = np.array([*preprocessing.mean, *preprocessing.std])
    return {
        **{f"{prefix}/{name}": np.stack(values) for name, values in leaves.items()},
        f"{prefix}_mean_std": statistics,
    }


def _one_of_each_class(source: Any) -> np.ndarray:
    """uint8 [10, 28, 28]: the first test image of each class."""
    found: dict[int, np.ndarray] = {}
    for index in range(len(source)):
        example = source[index]
        found.setdefault(int(example["label"]), example["image"][..., 0])
        if len(found) == 10:
            break
    return np.stack([found[label] for label in range(10)])


if __name__ == "__main__":
    main()
