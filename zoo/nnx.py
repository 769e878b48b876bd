"""Networks as modules of Flax NNX, with the variables, the values and the speed of those of Linen."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import nnx

from zoo.errors import ZooError
from zoo.models.network import Network as LinenNetwork
from zoo.models.variables import Variables, init, init_shapes
from zoo.registry import create_model as create_linen_model
from zoo.training.finetune.pretrained_backbone import backbone_of, insert_backbone, with_new_head
from zoo.weights.files import Weights
from zoo.weights.pretrained import load_pretrained

__all__ = ["Network", "create_model", "variables_of"]


def _is_variable(node: Any) -> bool:
    return isinstance(node, nnx.Variable)


class Network(nnx.Module):
    """A Linen network and its variables: `logits = model(images)`, [b, h, w, c] to [b, num_classes].

    It has an attribute per collection, trees with the names of the Linen network: `model.params["fc"]["kernel"]` is an
    `nnx.Param`, `model.batch_stats[...]` are `nnx.BatchStat`s, and `model.rngs` has the stream of dropout. It computes
    as in inference until `model.train()`, and again after `model.eval()`; a call in training updates the batch
    statistics in place. `linen` is the network itself, for what takes one, such as `zoo.count.summarize`.

    Flax's own bridge, `nnx.bridge.ToNNX`, makes new variables whenever statistics are updated, which an optimizer or a
    caller that holds the old ones does not see; here they stay the same objects.
    """

    def __init__(self, linen: LinenNetwork, variables: Variables, *, rngs: nnx.Rngs | None = None) -> None:
        self.linen = linen
        self.collections = tuple(variables)
        for name, tree in variables.items():
            kind = nnx.variable_type_from_name(name, allow_register=True)
            setattr(self, name, nnx.data(jax.tree.map(lambda leaf, kind=kind: kind(jnp.asarray(leaf)), dict(tree))))
        self.rngs = nnx.Rngs(dropout=(rngs or nnx.Rngs(0)).dropout())
        self.deterministic = True

    def __call__(self, images: jax.Array, *, train: bool | None = None) -> jax.Array:
        """Logits [b, num_classes], float32. `train` overrides the mode that `train()`, `eval()` and `nnx.view` set."""
        if train or (train is None and not self.deterministic):
            return self._train(images)[0]
        return cast(jax.Array, self.linen.apply(variables_of(self), images))

    def with_aux_logits(self, images: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        """In training: the logits, and those of the auxiliary heads, {head: [b, num_classes]}.

        The network needs `aux_heads=True`.
        """
        logits, updated = self._train(images)
        return logits, {head: sown["logits"] for head, sown in updated.get("aux_logits", {}).items()}

    def set_view(self, deterministic: bool | None = None) -> None:
        """For `nnx.view(model, deterministic=False)`, which shares the variables and has its own mode."""
        if deterministic is not None:
            self.deterministic = deterministic

    def _train(self, images: jax.Array) -> tuple[jax.Array, Mapping[str, Any]]:
        """The logits, and the collections after the step, whose statistics are stored."""
        mutable = [name for name in self.collections if name != "params"]
        rngs = {"dropout": self.rngs.dropout()}
        logits, updated = self.linen.apply(
            variables_of(self), images, train=True, rngs=rngs, mutable=[*mutable, "aux_logits"]
        )
        for name in mutable:
            jax.tree.map(lambda old, new: old.set_value(new), getattr(self, name), updated[name], is_leaf=_is_variable)
        return logits, updated


def create_model(
    name: str, *, weights: str | Path | Weights | None = None, rngs: nnx.Rngs | None = None, **fields: Any
) -> Network:
    """A network by name, as a module of NNX: `zoo.nnx.create_model("resnet50", weights="torchvision", num_classes=10)`.

    Without `weights` the variables are drawn from `rngs` (by default with the seed 0). `weights` are those of
    `zoo.load_pretrained`: what it returns, or a tag, file, folder or address that it takes. The network has their
    fields. With another `num_classes` than theirs the head is new, its biases 0; `num_classes=0` leaves it out.
    `fields` are those of `zoo.create_model`. Raises ZooError as these functions do.
    """
    rngs = rngs or nnx.Rngs(0)
    if weights is None:
        linen = create_linen_model(name, **fields)
        return Network(linen, init(linen, rngs.params()), rngs=rngs)
    found = weights if isinstance(weights, Weights) else load_pretrained(name, weights)
    if found.model != name:
        raise ZooError(f"these weights are of {found.model}, not of {name}")
    linen = found.network(**fields)
    return Network(linen, _variables_for(linen, found, rngs), rngs=rngs)


def _variables_for(linen: LinenNetwork, weights: Weights, rngs: nnx.Rngs) -> Variables:
    """The weights' variables with the head that the network has: theirs, a new one or none."""
    if linen.num_classes == weights.network().num_classes:
        return weights.variables
    if linen.num_classes:
        return insert_backbone(init(with_new_head(linen), rngs.params()), backbone_of(weights, linen))
    leaves = dict(jax.tree.leaves_with_path(dict(weights.variables)))
    return jax.tree.map_with_path(lambda path, _: leaves[path], init_shapes(linen))


def variables_of(model: Network) -> dict[str, Any]:
    """The variables {"params": ..., "batch_stats": ...} as Linen's `apply` and `zoo.weights` take them."""
    return {
        name: jax.tree.map(lambda variable: variable.get_value(), getattr(model, name), is_leaf=_is_variable)
        for name in model.collections
    }
