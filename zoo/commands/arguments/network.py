"""A network that the command line names, and the size of its images."""

import flax.linen as nn

from zoo.printable import quoted
from zoo.runtime.limits import COUNTED_SIDE


def load_network(name: str, classes: int | None) -> nn.Module:
    """A network of the registry, or a user's own module where `name` is package.module:attribute.

    `classes` None keeps the network's own number. Raises ZooError where there is no such network.
    """
    fields = {} if classes is None else {"num_classes": classes}
    if ":" in name:
        from zoo.commands.arguments.user_module import load_user_module

        return load_user_module(name, fields)
    from zoo.registry import create_model

    return create_model(name, **fields)


def parse_image_shape(text: str | None, model: nn.Module) -> tuple[int, int, int]:
    """Height, width and channels, from the text of --input, or by default the network's own `image_shape`.

    Raises ZooError for a text that is not a size, and for a network without `image_shape` if there is no text.
    """
    from zoo.errors import ZooError

    own_shape = getattr(model, "image_shape", None)
    if text is None:
        if own_shape is None:
            raise ZooError(f"{type(model).__name__} has no image_shape: give --input, as 224 or 32x32x1")
        return own_shape
    try:
        height, *rest = (int(COUNTED_SIDE.parse(part)) for part in text.lower().split("x"))
    except ZooError:
        height, *rest = (0, 0, 0, 0)
    if len(rest) > 2:
        raise ZooError(
            f"--input {quoted(text)} is not a size: give one such as 224, 224x320 or 32x32x1, "
            f"of numbers from {COUNTED_SIDE}"
        )
    width = rest[0] if rest else height
    channels = rest[1] if len(rest) == 2 else own_shape[2] if own_shape else 3
    return height, width, channels
