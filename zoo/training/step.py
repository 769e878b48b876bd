"""One step of training and one of evaluation, as pure functions of a state and a batch.

A batch is {"image": uint8 [batch, height, width, channel], "label": int32 [batch]}. An evaluation batch also has
"mask": bool [batch], false for images that only pad the last batch.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from zoo.data.preprocessing import normalize, scale_to_1, standardize
from zoo.runtime.kept_traces import new_trace_name
from zoo.runtime.mesh import data_axis, split_by_images
from zoo.training.augment.augmentation import augment
from zoo.training.augment.mixing import mix
from zoo.training.finetune.freezing import (
    frozen_modules,
    in_inference_mode,
    keep_frozen_statistics,
    merge,
    partition,
)
from zoo.training.learning_rate import count_updates
from zoo.training.loss import cross_entropy, image_losses
from zoo.training.norm_groups import batch_norm_groups, join_groups
from zoo.training.norm_warmup import training_momentum
from zoo.training.row_major import row_major
from zoo.training.state import TrainState
from zoo.training.tree_norm import tree_norm

Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]

# Numbers to fold into the step's key, which no module of a network uses.
AUGMENTATION_STREAM, MIXING_STREAM = 2**31, 2**31 + 1


def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
    """One update: the next state, and scalar metrics "loss", "accuracy", "gradient_norm" and "finite".

    Compile it with `jit`, or with `pmap(axis_name="data")`, which averages gradients and statistics over that axis. The
    loss is that of the logits, plus the recipe's `aux_weight` times that of each auxiliary head, both weighted by the
    state's `class_weights`. Random numbers depend on the state's key and step, under pmap also on the device. Frozen
    parameters have no gradient, and modules without trainable parameters run as in inference. If the loss, the gradient
    or the update is not finite, "finite" is false and only the step changes. A label that is not one of the classes
    makes the loss NaN.
    """
    axis = data_axis()
    key = jax.random.fold_in(state.key, state.step)
    if axis:
        key = jax.random.fold_in(key, lax.axis_index(axis))
    images, targets = prepare_batch(state, key, batch)

    recipe = state.recipe
    trainable, frozen = partition(state.params, state.frozen)
    modules = frozen_modules(state.params, state.frozen)

    def loss_fn(trainable: Any) -> tuple[jax.Array, tuple[jax.Array, Any]]:
        # The first context sees a batch norm last: one that is frozen is not computed in groups.
        groups = batch_norm_groups(recipe.bn_group, len(images))
        with groups, in_inference_mode(modules), training_momentum(state.step, recipe):
            logits, collections = state.model.apply(
                {"params": merge(trainable, frozen), "batch_stats": state.batch_stats},
                images,
                train=True,
                rngs={"dropout": key},
                # The interceptors of these contexts are not those of a trace that nn.jit has kept.
                mutable=["batch_stats", "aux_logits", new_trace_name()],
            )
        # Where --fsdp splits the classes of a layer, the loss would wait for a collective for each sum over them.
        logits, aux = split_by_images((logits, collections.get("aux_logits", {})))
        loss = image_losses(logits, targets, recipe, state.class_weights).mean()
        for aux_logits in jax.tree.leaves(aux):
            loss += recipe.aux_weight * image_losses(aux_logits, targets, recipe, state.class_weights).mean()
        return loss, (logits, join_groups(collections.get("batch_stats", {}), state.batch_stats))

    (loss, (logits, batch_stats)), gradient = jax.value_and_grad(loss_fn, has_aux=True)(trainable)
    gradient = row_major(gradient)
    # Of a mixed image, the class with the larger share.
    labels = targets if targets.ndim == 1 else targets.argmax(-1)
    known = is_class(batch["label"], logits.shape[-1]).all()
    metrics = {"loss": jnp.where(known, loss, jnp.nan), "accuracy": (logits.argmax(-1) == labels).mean()}
    if axis:
        # The mean of equal values may differ from them in the last bit, and frozen statistics must not change.
        gradient, batch_stats, metrics = lax.pmean((gradient, batch_stats, metrics), axis)
        batch_stats = keep_frozen_statistics(batch_stats, state.batch_stats, modules)
    optimizer = optax.with_extra_args_support(state.optimizer)
    clock = count_updates(recipe, state.step)
    scale = {"rate_scale": state.plateau["scale"]} if state.plateau else {}
    updates, opt_state = optimizer.update(gradient, state.opt_state, trainable, clock=clock, **scale)
    updated = {
        "params": merge(optax.apply_updates(trainable, updates), frozen),
        "batch_stats": batch_stats,
        "opt_state": opt_state,
    }
    updated["average"] = update_average(state, updated)
    norm = tree_norm(gradient)
    finite = jnp.isfinite(metrics["loss"] + norm + tree_norm(updates))
    before = {name: getattr(state, name) for name in updated}
    kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), updated, before)
    return state.replace(step=state.step + 1, **kept), {**metrics, "gradient_norm": norm, "finite": finite}


def update_average(state: TrainState, updated: Mapping[str, Any]) -> Any:
    """The exponential moving average of the variables after an update.

    Its decay is the recipe's `ema`, and smaller for its first updates n: (1 + n) / (10 + n), as in TensorFlow's
    ExponentialMovingAverage. n is the run's clock, as for the learning rate; with `ema_every` the average has one
    update for so many.
    """
    every = state.recipe.ema_every
    if not state.recipe.ema:
        return state.average
    n, after = count_updates(state.recipe, state.step), updated["opt_state"]
    # With accumulated gradients most steps do not change the parameters.
    is_update = after.mini_step == 0 if isinstance(after, optax.MultiStepsState) else True
    if every > 1:
        n, is_update = n // every, is_update & ((n + 1) % every == 0)
    decay = jnp.minimum(state.recipe.ema, (1 + n) / (10 + n))
    variables = {name: updated[name] for name in ("params", "batch_stats")}
    return optax.incremental_update(variables, state.average, jnp.where(is_update, 1 - decay, 0.0))


def prepare_batch(state: TrainState, key: jax.Array, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """The network's input, augmented and standardized, and its targets.

    Targets are labels int [batch], or with mixup or CutMix probabilities float [batch, classes].
    """
    recipe = state.recipe
    images = scale_to_1(batch["image"])
    images = augment(jax.random.fold_in(key, AUGMENTATION_STREAM), images, recipe, state.mean, state.std)
    images = standardize(images, state.mean, state.std)
    if not recipe.mixes_images:
        return images, batch["label"]
    targets = jax.nn.one_hot(batch["label"], state.model.num_classes)
    alphas, each = {"mixup": recipe.mixup, "cutmix": recipe.cutmix}, recipe.mix_per_image
    return mix(jax.random.fold_in(key, MIXING_STREAM), images, targets, **alphas, per_image=each)


def eval_step(state: TrainState, batch: Batch) -> Metrics:
    """Sums over the images whose mask is true: {"loss", "correct", "images"}.

    The loss is softmax cross-entropy, whatever the network was trained with, so that runs can be compared.
    A label that is not one of the classes makes the loss NaN.
    """
    images = normalize(batch["image"], state.mean, state.std)
    logits = state.model.apply(state.eval_variables, images)
    mask = batch["mask"]
    losses = jnp.where(is_class(batch["label"], logits.shape[-1]), cross_entropy(logits, batch["label"]), jnp.nan)
    return {
        "loss": jnp.where(mask, losses, 0).sum(),
        "correct": ((logits.argmax(-1) == batch["label"]) & mask).sum(),
        "images": mask.sum(),
    }


def is_class(labels: jax.Array, classes: int) -> jax.Array:
    """bool [batch]: whether a label is one of 0 to classes - 1. Others would index from the end, or nothing."""
    return (labels >= 0) & (labels < classes)
