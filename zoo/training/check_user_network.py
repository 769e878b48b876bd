"""Whether a network of the user can be trained: what would fail, or learn nothing, is refused before the run starts."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.errors import InvalidRngError, ModifyScopeVariableError, ScopeParamNotFoundError

from zoo.counting.records import CountError
from zoo.counting.summarize import trace_network
from zoo.errors import ZooError, ZooWarning, list_some
from zoo.models.user_module.adapted_class import contract_of
from zoo.models.user_module.contract import CLASS_COUNTS, TRUE_IN_INFERENCE, TRUE_IN_TRAINING
from zoo.models.user_module.error_lines import error_line
from zoo.models.user_module.hashable import unhashable_field
from zoo.models.user_module.output_kind import is_probability
from zoo.training.layer_modes import noting_modes

# What a checkpoint holds, and what a step adds to the loss.
COLLECTIONS = {"params", "batch_stats", "aux_logits"}
IMAGES = 2


def check_user_network(network: nn.Module, image_shape: tuple[int, int, int]) -> None:
    """Raises ZooError where the network cannot take such images, or returns something else than their logits."""
    name = type(network).__name__
    if field := unhashable_field(network):
        raise ZooError(f"{name} has a field that cannot be hashed, {field}: use numbers, texts and tuples of them")
    images = jax.ShapeDtypeStruct((IMAGES, *image_shape), jnp.float32)
    variables = _traced(name, network.init, jax.random.key(0), images)
    _check_variables(network, variables)
    logits = _traced(name, network.apply, variables, images)
    train = partial(
        network.apply, train=True, rngs={"dropout": jax.random.key(0)}, mutable=["batch_stats", "aux_logits"]
    )
    modes: dict[str, bool] = {}
    with noting_modes(modes):
        logits_in_training, updated = _traced(name, train, variables, images)
    for output, mode in ((logits, "inference"), (logits_in_training, "training")):
        _check_output(network, output, mode)
    _check_class_count(network, images)
    _check_modes(network, modes, has_statistics="batch_stats" in variables)
    _check_aux_logits(name, updated.get("aux_logits", {}), logits)
    if _returns_probabilities(network, images.shape):
        raise ZooError(
            f"{name} returns probabilities, and the loss is computed from logits: return the input of its last softmax "
            "or sigmoid (predict gives probabilities)"
        )


def _returns_probabilities(network: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether it is known to; not all that can be trained can be counted."""
    try:
        return is_probability(trace_network(network, shape))
    except CountError:
        return False


def _traced(name: str, function: Callable, *arguments: Any) -> Any:
    """The shapes that the function returns. Raises ZooError, with the line of the user's code, where it fails."""
    try:
        return jax.eval_shape(function, *arguments)
    except ZooError:
        raise
    except ModifyScopeVariableError as error:
        raise ZooError(
            f"{name} updates its statistics in inference too: use_running_average of its batch norms is the opposite "
            f"of the argument train ({error_line(error)})"
        ) from error
    except InvalidRngError as error:
        raise ZooError(
            f"{name} draws random numbers in inference, or of another stream than 'dropout': deterministic of its "
            f"dropouts is the opposite of the argument train ({error_line(error)})"
        ) from error
    except ScopeParamNotFoundError as error:
        raise ZooError(
            f"{name} has a layer that is called in training only, and has no parameters: call it with "
            f"self.is_initializing() too ({error_line(error)})"
        ) from error
    except Exception as error:  # of a user's module
        if isinstance(error, NameError) and "unbound axis name" in str(error):
            raise ZooError(
                f"{name} has an axis_name, which is of pmap: leave it out, since a step has the whole batch "
                f"({error_line(error)})"
            ) from error
        shape = "x".join(map(str, arguments[-1].shape[1:]))
        raise ZooError(f"{name} cannot take images of {shape}: {error_line(error)}") from error


def _check_variables(network: nn.Module, variables: Any) -> None:
    name = type(network).__name__
    if others := sorted(variables.keys() - COLLECTIONS):
        raise ZooError(
            f"{name} keeps variables in {', '.join(others)}: a run trains and saves params and batch_stats only"
        )
    if not jax.tree.leaves(variables.get("params", {})):
        raise ZooError(f"{name} has no parameters to train")
    for key_path, leaf in jax.tree.leaves_with_path(variables["params"]):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            path = jax.tree_util.keystr(key_path, simple=True, separator="/")
            raise ZooError(
                f"{name} has the parameter {path} of {leaf.dtype}, which cannot be trained: make it a constant"
            )


def _check_class_count(network: nn.Module, images: jax.ShapeDtypeStruct) -> None:
    """Raises ZooError where the field that is taken for the number of classes, by its name, is something else."""
    contract = contract_of(type(network))
    if contract is None or contract.class_count in ("", "num_classes"):
        return
    name, more = type(network).__name__, network.clone(num_classes=network.num_classes + 1)
    outputs, _ = _traced(name, more.init_with_output, jax.random.key(0), images)
    if outputs.shape[-1] != more.num_classes:
        raise ZooError(
            f"{name} has the field {contract.class_count}, and as many logits for each value of it: rename it, or use "
            "it for the last layer"
        )


def _check_modes(network: nn.Module, modes: dict[str, bool], *, has_statistics: bool) -> None:
    """Raises ZooError where no batch norm or dropout follows `train`; a ZooWarning names those that do not.

    A network that is not told of the mode may find it by the random numbers that it is given, as `has_rng` does.
    """
    name, contract = type(network).__name__, contract_of(type(network))
    in_inference = [path for path, is_in_inference in modes.items() if is_in_inference]
    text = f"{list_some(in_inference)} of {name} compute in training as in inference"
    if contract and not contract.has_mode and (in_inference or (has_statistics and not modes)):
        others = ", ".join((*TRUE_IN_TRAINING[1:], *TRUE_IN_INFERENCE))
        what = text if in_inference else f"{name} keeps batch statistics, and is not told whether it is trained"
        raise ZooError(f"{what}: add the argument train to its __call__ (or {others}) for them")
    advice = "pass the mode on to each module that has them"
    if in_inference and len(in_inference) == len(modes):
        raise ZooError(f"{text}: {advice}")
    if in_inference:
        warnings.warn(f"{text}: if that is not meant, {advice}", ZooWarning, stacklevel=3)


def _check_aux_logits(name: str, collection: Any, logits: jax.ShapeDtypeStruct) -> None:
    for aux_logits in jax.tree.leaves(collection):
        if aux_logits.shape != logits.shape:
            raise ZooError(
                f"{name} sows an array {list(aux_logits.shape)} into aux_logits for a batch of {IMAGES}: sow logits "
                f"there, {list(logits.shape)}, since the loss of each is added to the network's"
            )


def _check_output(network: nn.Module, output: Any, mode: str) -> None:
    name, classes = type(network).__name__, network.num_classes
    if not isinstance(output, jax.ShapeDtypeStruct):
        raise ZooError(
            f"{name} returns {_described(output)} in {mode}: return the logits alone, [batch, classes] (others can be "
            'kept with self.sow("intermediates", name, value))'
        )
    if output.ndim != 2 or output.shape[0] != IMAGES:
        shape = ", ".join(
            ["batch" if size == IMAGES and not axis else str(size) for axis, size in enumerate(output.shape)]
        )
        raise ZooError(f"{name} returns an array [{shape}] in {mode}: return logits, [batch, {classes}]")
    if not jnp.issubdtype(output.dtype, jnp.floating):
        raise ZooError(f"{name} returns {output.dtype} in {mode}: return logits, which are floating-point numbers")
    if output.shape[1] != classes:
        contract = contract_of(type(network))
        advice = "use the field num_classes for its last layer"
        if contract and not contract.class_count:
            advice = f"add a field num_classes for its last layer ({', '.join(CLASS_COUNTS[1:4])} are understood too)"
        raise ZooError(f"{name} returns {output.shape[1]} logits, and the data has {classes} classes: {advice}")


def _described(output: Any) -> str:
    return f"a {type(output).__name__} of {len(output)}" if isinstance(output, tuple | list | dict) else "no array"
