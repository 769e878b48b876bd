"""The training loop: steps, an evaluation and a checkpoint an epoch, a clean stop when asked."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from rich.console import Console

from zoo import count
from zoo.compilation import compiler_options
from zoo.data import Dataset, eval_batches
from zoo.errors import ZooError
from zoo.inference import jit_once
from zoo.models.network import Network
from zoo.registry import create_model
from zoo.training.augmentation import Augmentation
from zoo.training.checkpoints import abstract_like, open_checkpointer, restore, save
from zoo.training.feed import Feed, open_feed
from zoo.training.finetuning import begun_with
from zoo.training.freezing import frozen_parameters, head_parameters, split
from zoo.training.optimizer import learning_rate_schedule, make_optimizer
from zoo.training.progress import TrainingProgress
from zoo.training.recipe import Recipe
from zoo.training.run_folder import RunConfig, RunFolder
from zoo.training.sharding import data_mesh, replicated, shard_batch
from zoo.training.signals import stop_on_signals
from zoo.training.step import Metrics, TrainState, create_state, eval_step, train_step

# Steps that may be under way before the loop waits: enough to hide the host's work, few enough to stop promptly.
STEPS_IN_FLIGHT = 2

Backbone = Mapping[str, jax.Array | np.ndarray]
NOTHING: Backbone = MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """How a run ended: at which step, with which accuracy on the whole test set (None where it was stopped before)."""

    step: int
    test_accuracy: float | None
    exit_code: int = 0


def build_network(config: RunConfig) -> Network:
    """The run's network, with as many outputs as its data has classes."""
    seen = {"image_shape": config.preprocessing.image_shape, "dtype": jnp.dtype(config.recipe.dtype)}
    return create_model(config.model, **config.network_fields(), **seen)


def evaluate(
    step: Callable, state: TrainState, batches: Iterable[dict[str, np.ndarray | jax.Array]], mesh: Mesh
) -> dict[str, float]:
    """{"test_loss", "test_accuracy"} over every image of the test set, its remainder included."""
    sums = [step(state, shard_batch(batch, mesh)) for batch in batches]
    total = jax.tree.map(lambda *parts: float(np.sum(parts)), *jax.device_get(sums))
    return {"test_loss": total["loss"] / total["images"], "test_accuracy": total["correct"] / total["images"]}


def train(
    config: RunConfig,
    dataset: Dataset,
    folder: RunFolder,
    *,
    resume: bool,
    console: Console,
    backbone: Backbone = NOTHING,
) -> Outcome:
    """Train to the recipe's end, or until Ctrl-C or SIGTERM, which save first.

    A new run begins with the pretrained variables in `backbone`, by their keys. With `resume` the run in `folder` goes
    on from its latest checkpoint, on the very next batch. Raises ZooError where the loss is no longer finite, or where
    a new run is to begin with pretrained variables and there are none.
    """
    recipe = config.recipe
    if config.pretrained is not None and not resume and not backbone:
        raise ZooError("the configuration is of a run that begins with pretrained weights: give them as `backbone`")
    mesh = data_mesh(recipe.batch_size)
    feed = open_feed(dataset, recipe, config.preprocessing, mesh)
    tests = eval_batches(dataset.test, preprocessing=config.preprocessing, batch_size=recipe.batch_size)
    if recipe.feed == "resident":
        tests = [shard_batch(batch, mesh) for batch in tests]
    steps_per_epoch = len(dataset.train) // recipe.batch_size
    steps = recipe.epochs * steps_per_epoch
    rate = learning_rate_schedule(recipe, steps_per_epoch)
    step_on_devices = step_of(feed, mesh)
    eval_on_devices = jax.jit(eval_step, compiler_options=compiler_options())

    with stop_on_signals() as stop, open_checkpointer(folder, recipe.keep) as checkpointer:
        state = first_state(config, steps_per_epoch, replicated(mesh), abstract=resume, backbone=backbone)
        if resume:
            state, position = restore(checkpointer, state, feed.position)
            feed = feed.at(position)
            folder.drop_metrics_after(int(state.step))

        if state.frozen:
            trained, fixed = (count.parameters(part) for part in split(state.params, state.frozen))
            console.print(f"{trained:,} parameters learn, and {fixed:,} are frozen", highlight=False)

        began, first, measured, metrics = time.perf_counter(), int(state.step), None, EpochMetrics()
        with TrainingProgress(console, first, steps, steps_per_epoch, recipe.batch_size) as progress:
            for step in range(first + 1, steps + 1):
                with progress.waiting():
                    inputs = feed.inputs(step - 1)
                state, step_metrics = step_on_devices(state, inputs)
                if step == first + 1:
                    jax.block_until_ready(step_metrics)
                    progress.begun()
                progress.advance(metrics.add(step_metrics))
                if step % steps_per_epoch == 0:
                    paused = time.perf_counter()
                    measured = {
                        "step": step,
                        "epoch": step // steps_per_epoch,
                        "learning_rate": float(rate(step - 1)),
                        **metrics.mean_and_clear(),
                        **evaluate(eval_on_devices, state, tests, mesh),
                        "images_per_second": progress.images_per_second,
                        "waiting": progress.waiting_share,
                        "seconds": time.perf_counter() - began,
                    }
                    check_finite(measured, folder)
                    folder.append_metrics(measured)
                    save(checkpointer, state, feed.position, measured)
                    progress.evaluated(measured, time.perf_counter() - paused)
                if stop.signal and step < steps:
                    save(checkpointer, state, feed.position, None)
                    return Outcome(step, None, stop.exit_code)
            progress.ended()
        measured = measured or evaluate(eval_on_devices, state, tests, mesh)
    return Outcome(steps, measured["test_accuracy"])


def step_of(feed: Feed, mesh: Mesh) -> Callable[[TrainState, Any], tuple[TrainState, Metrics]]:
    """The compiled training step, that takes its batch from the feed's inputs and uses the state up."""

    def step(state: TrainState, inputs: Any) -> tuple[TrainState, Metrics]:
        return train_step(state, feed.batch(inputs, state.step))

    return jax.jit(step, donate_argnums=0, out_shardings=replicated(mesh), compiler_options=compiler_options())


def first_state(
    config: RunConfig,
    steps_per_epoch: int,
    sharding: jax.sharding.Sharding,
    *,
    abstract: bool = False,
    backbone: Backbone = NOTHING,
) -> TrainState:
    """The run's state before its first step, on the devices, or with `abstract` its shapes alone."""
    recipe, seen = config.recipe, config.preprocessing
    network = build_network(config)
    head = head_parameters(network) if recipe.backbone_rate != 1 else frozenset()
    optimizer = make_optimizer(recipe, steps_per_epoch, head)
    frozen = frozen_parameters(network, recipe.freeze)

    def make(key: jax.Array, backbone: Backbone) -> TrainState:
        init_key, key = jax.random.split(key)
        return create_state(
            network,
            optimizer,
            begun_with(network.init(init_key, jnp.zeros((1, *seen.image_shape))), backbone),
            key,
            mean=seen.mean,
            std=seen.std,
            aux_weight=recipe.aux_weight,
            label_smoothing=recipe.label_smoothing,
            augmentation=augmentation_of(recipe),
            frozen=frozen,
        )

    key = jax.random.key(recipe.seed)
    if abstract:
        return abstract_like(jax.eval_shape(make, key, {}), sharding)
    return jit_once(make, out_shardings=sharding)(key, dict(backbone))


def augmentation_of(recipe: Recipe) -> Augmentation:
    """What the recipe asks to change of the training images."""
    return Augmentation(
        crop=recipe.crop,
        shift=recipe.shift,
        flip=recipe.flip,
        trivial=recipe.trivial_augment,
        erase=recipe.erase,
        mixup=recipe.mixup,
        cutmix=recipe.cutmix,
    )


class EpochMetrics:
    """The metrics of an epoch's steps, left on the device until its end."""

    def __init__(self) -> None:
        self._steps: list[dict[str, jax.Array]] = []

    def add(self, metrics: dict[str, jax.Array]) -> dict[str, jax.Array] | None:
        """Add a step's, and wait for those of the step STEPS_IN_FLIGHT before it, which are returned."""
        self._steps.append(metrics)
        return jax.block_until_ready(self._steps[-1 - STEPS_IN_FLIGHT]) if len(self._steps) > STEPS_IN_FLIGHT else None

    def mean_and_clear(self) -> dict[str, float]:
        """Their mean over the steps added since the last call."""
        steps = jax.device_get(self._steps)
        self._steps.clear()
        return jax.tree.map(lambda *values: float(np.mean(values)), *steps)


def check_finite(measured: dict[str, float], folder: RunFolder) -> None:
    """Raises ZooError where the training loss is not finite."""
    if not math.isfinite(measured["loss"]):
        raise ZooError(
            f"the loss was not finite in epoch {measured['epoch']}: try a smaller --learning-rate or --clip-norm 1; "
            f"earlier checkpoints are in {folder.steps}"
        )
