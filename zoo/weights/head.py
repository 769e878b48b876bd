"""The head of a network: what depends on its number of classes."""

import jax

from zoo.errors import ZooError
from zoo.inference import init_shapes
from zoo.models.network import Network
from zoo.weights.files import key_of


def head_leaves(model: Network) -> frozenset[str]:
    """The keys of the variables whose shapes depend on `num_classes`, as "params/fc/kernel", auxiliary heads' included.

    Found by tracing the network with a class more. Raises ZooError where there are none.
    """
    shapes, wider = (
        {key_of(place): leaf.shape for place, leaf in jax.tree.leaves_with_path(init_shapes(network))}
        for network in (model, model.clone(num_classes=model.num_classes + 1))
    )
    head = frozenset(key for key, shape in wider.items() if shapes.get(key) != shape)
    if not head:
        raise ZooError(f"{type(model).__name__} has no head to replace: none of its parameters depends on the classes")
    return head
