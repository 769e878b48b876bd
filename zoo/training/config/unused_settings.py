"""Settings that have no effect beside the others: they are refused, so that nobody believes in them."""

from collections.abc import Iterable

from zoo.errors import ZooError
from zoo.training.config.recipe import Recipe


def check_used(recipe: Recipe, given: Iterable[str], *, has_batch_norm: bool = True) -> None:
    """Raises ZooError if one of the `given` fields of the recipe has no effect in it."""
    reasons = {
        "momentum": recipe.optimizer != "sgd" and f"it is that of sgd, and the optimizer is {recipe.optimizer}",
        "aux_weight": not recipe.aux_heads and "it is that of auxiliary heads, which --aux-heads trains",
        "backbone_rate": recipe.freeze == "backbone" and "the backbone is frozen",
        "batch_norm_warmup": not has_batch_norm and "the network has no batch norm",
    }
    for name in given:
        if reason := reasons.get(name):
            raise ZooError(f"{name} is given and has no effect: {reason}; leave out --{name.replace('_', '-')}")
