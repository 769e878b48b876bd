"""One step of training and one of evaluation, as pure functions of a state and a batch.

A batch is {"image": uint8 [batch, height, width, channel], "label": int32 [batch]}; an evaluation batch has
"mask" [batch] too, false where the remainder was padded.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn
from flax import struct
from jax import lax

from zoo.data.preprocessing import normalize, scale_to_1, standardize
from zoo.layers import data_axis
from zoo.training.augment.augmentation import UNCHANGED, Augmentation, augmented
from zoo.training.augment.mixing import mixed
from zoo.training.finetune.freezing import frozen_modules, in_inference, joined, split, unmoved

Batch = dict[str, jax.Array]
Metrics = dict[str, jax.Array]

# Keys of their own, which no module of a network gets.
AUGMENTATION, MIXING = 2**31, 2**31 + 1


class TrainState(struct.PyTreeNode):
    """Where a run is (arrays), and how it goes on (static fields)."""

    step: jax.Array
    key: jax.Array
    params: Any
    batch_stats: Any
    opt_state: optax.OptState
    average: Any
    model: nn.Module = struct.field(pytree_node=False)
    optimizer: optax.GradientTransformation = struct.field(pytree_node=False)
    mean: tuple[float, ...] = struct.field(pytree_node=False)
    std: tuple[float, ...] = struct.field(pytree_node=False)
    aux_weight: float = struct.field(pytree_node=False, default=0.3)
    label_smoothing: float = struct.field(pytree_node=False, default=0.0)
    augmentation: Augmentation = struct.field(pytree_node=False, default=UNCHANGED)
    frozen: frozenset[str] = struct.field(pytree_node=False, default=frozenset())
    ema: float = struct.field(pytree_node=False, default=0.0)

    @property
    def variables(self) -> dict[str, Any]:
        """{"params", "batch_stats"} as they learn."""
        return {"params": self.params, "batch_stats": self.batch_stats}

    @property
    def evaluated(self) -> dict[str, Any]:
        """The variables that are evaluated, and are the run's result: the running mean, where there is one."""
        return self.average or self.variables


def create_state(
    model: nn.Module,
    optimizer: optax.GradientTransformation,
    variables: Mapping[str, Any],
    key: jax.Array,
    *,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    aux_weight: float = 0.3,
    label_smoothing: float = 0.0,
    augmentation: Augmentation = UNCHANGED,
    frozen: frozenset[str] = frozenset(),
    ema: float = 0.0,
) -> TrainState:
    """The state before the first step, with these variables; `mean` and `std` are of pixels scaled to 0..1, a channel.

    `key` is for dropout and augmentation; `frozen` are the keys of parameters, as "conv1/conv/kernel", that stay as
    they are; `ema` is the decay of a running mean of the variables, 0 for none.
    """
    start = {"params": variables["params"], "batch_stats": variables.get("batch_stats", {})}
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        key=key,
        **start,
        average=jax.tree.map(jnp.copy, start) if ema else {},
        opt_state=optimizer.init(split(variables["params"], frozen)[0]),
        model=model,
        optimizer=optimizer,
        mean=mean,
        std=std,
        aux_weight=aux_weight,
        label_smoothing=label_smoothing,
        augmentation=augmentation,
        frozen=frozen,
        ema=ema,
    )


def train_step(state: TrainState, batch: Batch) -> tuple[TrainState, Metrics]:
    """One update. Jit it, or `pmap` it with `axis_name="data"`: then gradients and statistics are averaged over that.

    The loss is that of the logits plus `aux_weight` times that of each auxiliary head. Dropout and augmentation draw
    from the state's key and step, under pmap from the device's place too. Frozen parameters have no gradient, and
    modules with no other parameters run as in inference. Where the loss, the gradient or the update is not finite,
    metrics say so, and nothing changes but the step.
    """
    axis = data_axis()
    key = jax.random.fold_in(state.key, state.step)
    if axis:
        key = jax.random.fold_in(key, lax.axis_index(axis))
    images, targets = augmented_batch(state, key, batch)

    trained, fixed = split(state.params, state.frozen)
    fixed_modules = frozen_modules(state.params, state.frozen)

    def loss_fn(trained: Any) -> tuple[jax.Array, tuple[jax.Array, Any]]:
        with in_inference(fixed_modules):
            logits, updated = state.model.apply(
                {"params": joined(trained, fixed), "batch_stats": state.batch_stats},
                images,
                train=True,
                rngs={"dropout": key},
                mutable=["batch_stats", "aux_logits"],
            )
        loss = cross_entropy(logits, targets, state.label_smoothing).mean()
        for aux_logits in jax.tree.leaves(updated.get("aux_logits", {})):
            aux_loss = cross_entropy(aux_logits, targets, state.label_smoothing).mean()
            loss += state.aux_weight * aux_loss
        return loss, (logits, updated.get("batch_stats", {}))

    (loss, (logits, batch_stats)), gradient = jax.value_and_grad(loss_fn, has_aux=True)(trained)
    # The class of the larger share, where images are mixed.
    labels = targets if targets.ndim == 1 else targets.argmax(-1)
    metrics = {"loss": loss, "accuracy": (logits.argmax(-1) == labels).mean()}
    if axis:
        # A mean of equal values may differ from them in the last bit.
        gradient, batch_stats, metrics = lax.pmean((gradient, batch_stats, metrics), axis)
        batch_stats = unmoved(batch_stats, state.batch_stats, fixed_modules)
    updates, opt_state = state.optimizer.update(gradient, state.opt_state, trained)
    moved = {
        "params": joined(optax.apply_updates(trained, updates), fixed),
        "batch_stats": batch_stats,
        "opt_state": opt_state,
    }
    moved["average"] = averaged(state, moved)
    norm = optax.tree.norm(gradient)
    finite = jnp.isfinite(metrics["loss"] + norm + optax.tree.norm(updates))
    before = {name: getattr(state, name) for name in moved}
    kept = jax.tree.map(lambda new, old: jnp.where(finite, new, old), moved, before)
    return state.replace(step=state.step + 1, **kept), {**metrics, "gradient_norm": norm, "finite": finite}


def averaged(state: TrainState, moved: Mapping[str, Any]) -> Any:
    """The running mean of the variables after an update; that of the first few forgets faster."""
    if not state.ema:
        return state.average
    before, after = state.opt_state, moved["opt_state"]
    updates, updated = state.step, True
    if isinstance(before, optax.MultiStepsState):
        # Of accumulated gradients, most steps only add one.
        updates, updated = before.gradient_step, after.mini_step == 0
    decay = jnp.minimum(state.ema, (1 + updates) / (10 + updates))
    variables = {name: moved[name] for name in ("params", "batch_stats")}
    return optax.incremental_update(variables, state.average, jnp.where(updated, 1 - decay, 0.0))


def augmented_batch(state: TrainState, key: jax.Array, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Images as the network takes them, and what it is to say: labels [batch], where mixed float [batch, classes]."""
    images = scale_to_1(batch["image"])
    images = augmented(jax.random.fold_in(key, AUGMENTATION), images, state.augmentation, fill=state.mean)
    images = standardize(images, state.mean, state.std)
    if not state.augmentation.mixes:
        return images, batch["label"]
    targets = jax.nn.one_hot(batch["label"], state.model.num_classes)
    return mixed(jax.random.fold_in(key, MIXING), images, targets, state.augmentation)


def eval_step(state: TrainState, batch: Batch) -> Metrics:
    """Sums over the batch's unmasked images: {"loss", "correct", "images"}."""
    images = normalize(batch["image"], state.mean, state.std)
    logits = state.model.apply(state.evaluated, images)
    mask = batch["mask"]
    return {
        "loss": (cross_entropy(logits, batch["label"]) * mask).sum(),
        "correct": ((logits.argmax(-1) == batch["label"]) & mask).sum(),
        "images": mask.sum(),
    }


def cross_entropy(logits: jax.Array, targets: jax.Array, label_smoothing: float = 0.0) -> jax.Array:
    """[batch]: softmax cross-entropy with integer labels [batch] or the probabilities [batch, classes] of each."""
    if targets.ndim == 1:
        if not label_smoothing:
            return optax.softmax_cross_entropy_with_integer_labels(logits, targets)
        targets = jax.nn.one_hot(targets, logits.shape[-1])
    return optax.softmax_cross_entropy(logits, optax.smooth_labels(targets, label_smoothing))
