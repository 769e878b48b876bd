"""A network that a command line names, and the size of its images."""

from typing import Any


def load_network(name: str, classes: int | None) -> Any:
    """A network of the registry, or the module that package.module:attribute is or makes."""
    fields = {} if classes is None else {"num_classes": classes}
    if ":" in name:
        from zoo.commands.arguments.user_module import load

        return load(name, fields)
    from zoo.registry import create_model

    return create_model(name, **fields)


def image_shape(given: str | None, model: Any) -> tuple[int, int, int]:
    """What --input says, or the network's own. Raises ZooError where neither says anything that makes sense."""
    from zoo.errors import ZooError

    own = getattr(model, "image_shape", None)
    if given is None:
        if own is None:
            raise ZooError(f"{type(model).__name__} does not say its image size: give --input, as 224 or 32x32x1")
        return own
    parts = given.lower().split("x")
    if not all(part.isascii() and part.isdecimal() and int(part) > 0 for part in parts) or len(parts) > 3:
        raise ZooError(f"--input {given}: a size such as 224, 224x320 or 32x32x1 is needed")
    height, *rest = (int(part) for part in parts)
    width = rest[0] if rest else height
    channels = rest[1] if len(rest) == 2 else own[2] if own else 3
    return height, width, channels
