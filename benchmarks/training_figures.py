"""The figures of docs/training.md and docs/finetuning.md that small runs gave. Each line is the mean over the seeds.

python benchmarks/training_figures.py balance
python benchmarks/training_figures.py restart --fashion-mnist ~/fashion-mnist
python benchmarks/training_figures.py statistics
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import flax.linen as nn
import jax
import numpy as np

import zoo
from zoo.data import open_dataset
from zoo.data.dataset import Source
from zoo.data.sources.arrays import Arrays
from zoo.training import checkpoint_weights
from zoo.training.training_result import TrainingResult

RARE, FEW, MANY = range(5, 10), 7, 140
SOME_TRAINING, SOME_TEST = 3000, 4000
RATES = {"adamw": 0.002, "sgd": 0.05}


class FourConvolutions(nn.Module):
    """Four normalised convolutions and a linear layer, with batch norms of a momentum."""

    num_classes: int = 10
    momentum: float = 0.99

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Logits of images [batch, height, width, channel]."""
        for number, features in enumerate((16, 32, 64, 64)):
            stride = 1 if number % 2 else 2
            x = nn.Conv(features, (3, 3), strides=(stride, stride), use_bias=False, name=f"conv{number + 1}")(x)
            x = nn.BatchNorm(use_running_average=not train, momentum=self.momentum, name=f"bn{number + 1}")(x)
            x = nn.relu(x)
        return nn.Dense(self.num_classes, name="head")(x.mean((1, 2)))


def main() -> None:
    """Run one of the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=("balance", "restart", "statistics"))
    parser.add_argument("--fashion-mnist", type=Path, metavar="DIR", help="the IDX files, for restart")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2), metavar="N")
    given = parser.parse_args()
    if given.comparison == "restart" and given.fashion_mnist is None:
        parser.error("restart needs --fashion-mnist DIR")
    comparisons = {"balance": balance, "restart": lambda seeds: restart(given.fashion_mnist, seeds)}
    for line in comparisons.get(given.comparison, statistics)(given.seeds):
        print(line, flush=True)


def balance(seeds: list[int]) -> Iterator[str]:
    """Accuracies of rare classes and of all, with and without `--balance`."""
    train, test = digits()
    kept = [
        index for label in range(10) for index in np.flatnonzero(train[1] == label)[: FEW if label in RARE else 140]
    ]
    few = train[0][kept], train[1][kept]
    recipe = {"epochs": 20, "batch_size": 64, "learning_rate": 2e-3, "fit": "resize"}
    for balanced in (False, True):
        runs = [
            zoo.train("lenet5", few, {**recipe, "balance": balanced, "seed": s}, test=test, quiet=True) for s in seeds
        ]
        classes = np.array([class_accuracies(run, test) for run in runs])
        rare = classes[:, list(RARE)].mean(0)
        yield f"balance {balanced}: rare classes {rare.min():.2f} to {rare.max():.2f}, all {classes.mean():.3f}"


def restart(folder: Path, seeds: list[int]) -> Iterator[str]:
    """Accuracy and loss of runs that are extended from 10 to 20 epochs, and of a new run from their weights."""
    fashion = open_dataset(folder)
    train, test = (arrays(fashion.train, SOME_TRAINING), arrays(fashion.test, SOME_TEST))
    for optimizer, rate in RATES.items():
        rows = [extended(train, test, {"optimizer": optimizer, "learning_rate": rate, "seed": seed}) for seed in seeds]
        for name in rows[0]:
            accuracy, loss = np.mean([row[name] for row in rows], 0)
            yield f"{optimizer}, {name}: {accuracy:.3f}, {loss:.3f}"


def extended(train: Arrays, test: Arrays, settings: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Last test accuracy and loss, by what was done."""
    found = {}

    def run(name: str, epochs: int, **options: Any) -> None:
        settings_now = {**settings, "epochs": epochs}
        found[name] = last(zoo.train("lenet5", train, settings_now, test=test, quiet=True, **options))

    with TemporaryDirectory() as folder:
        run("10 epochs", 10, run_dir=f"{folder}/run")
        weights = f"{folder}/w.safetensors"
        zoo.weights.save(weights, checkpoint_weights(f"{folder}/run"))
        run("finished, then 20, stretched", 20, run_dir=f"{folder}/run", resume=True)
        run("finished, then 10 new epochs from its weights", 10, pretrained=weights)
        run("20 epochs from the start", 20)
    return found


def statistics(seeds: list[int]) -> Iterator[str]:
    """Test accuracies of fine-tuned networks by batch norm's momentum, with its warmup and without."""
    train, test = digits()
    few = train[0][:200], train[1][:200]
    inverted = train[0][:600].max() - train[0][:600], train[1][:600]
    data = {"200 digits": (few, test), "600 inverted digits": (inverted, (test[0].max() - test[0], test[1]))}
    for momentum in (0.9, 0.99, 0.9997):
        for name, (images, tested) in data.items():
            runs = [fine_tuned(momentum, (train, test), (images, tested), seed) for seed in seeds]
            warm, constant = np.mean(runs, 0)
            yield f"{momentum}, {name}: {warm:.3f} with warmup, {constant:.3f} without"


def fine_tuned(
    momentum: float, first: tuple[Arrays, Arrays], then: tuple[Arrays, Arrays], seed: int
) -> tuple[float, float]:
    """Last test accuracy on `then` of a network trained on `first`, with the warmup of its norms and without."""
    network = FourConvolutions(momentum=momentum)
    trained = zoo.train(network, first[0], {"epochs": 10, "seed": seed}, test=first[1], quiet=True)
    with TemporaryDirectory() as folder:
        weights = f"{folder}/w.safetensors"
        zoo.weights.save(weights, trained.weights)
        settings: dict[str, Any] = {"epochs": 10, "batch_size": 32, "seed": seed}
        runs = (
            zoo.train(
                network, then[0], {**settings, "batch_norm_warmup": warm}, test=then[1], pretrained=weights, quiet=True
            )
            for warm in (True, False)
        )
        warm, constant = (last(run)[0] for run in runs)
    return warm, constant


def digits() -> tuple[Arrays, Arrays]:
    """The digits, uint8 [n, 8, 8, 1] of 0 to 255, and their labels [n]."""
    dataset = open_dataset("digits")
    return arrays(dataset.train, len(dataset.train)), arrays(dataset.test, len(dataset.test))


def arrays(source: Source, images: int) -> Arrays:
    """The first images of a split, and their labels."""
    examples = [source[index] for index in range(images)]
    return np.stack([each["image"] for each in examples]), np.array([each["label"] for each in examples])


def last(run: TrainingResult) -> tuple[float, float]:
    """Test accuracy and test loss of the last evaluation."""
    row = run.evaluations[-1]
    return row["test_accuracy"], row["test_loss"]


def class_accuracies(run: TrainingResult, test: Arrays) -> np.ndarray:
    """The accuracy of each class [10]."""
    images, labels = test
    right = np.array([found[0].index for found in run.weights.predict(images, top=1)]) == labels
    return np.array([right[labels == label].mean() for label in range(10)])


if __name__ == "__main__":
    main()
