"""How a Linen module says what zoo's networks say with `num_classes` and `train`."""

import dataclasses
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import flax.linen as nn

from zoo.errors import ZooError

# Fields and arguments that give the number of classes. The first that there is counts.
CLASS_COUNTS = (
    *("num_classes", "n_classes", "nclasses", "num_class", "nb_classes", "class_count", "classes", "num_labels"),
    *("n_labels", "num_outputs", "n_outputs", "num_out", "n_out", "out_features", "output_dim", "out_dim", "outputs"),
)
# Arguments that are true in training, and those that are true in inference.
TRUE_IN_TRAINING = ("train", "training", "is_training")
TRUE_IN_INFERENCE = ("deterministic", "inference", "use_running_average", "eval", "eval_mode", "is_eval", "testing")
MODES: Mapping[str, bool] = dict.fromkeys(TRUE_IN_TRAINING, True) | dict.fromkeys(TRUE_IN_INFERENCE, False)

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Contract:
    """What a class of Linen modules calls the number of classes and the mode; "" and () for what it does not have.

    `mode_arguments` are arguments of its `__call__`; without one, `mode_fields` are fields of the module.
    """

    class_count: str
    mode_arguments: tuple[str, ...]
    mode_fields: tuple[str, ...]

    @property
    def has_mode(self) -> bool:
        """Whether the module can be told that it is trained."""
        return bool(self.mode_arguments or self.mode_fields)


def read_contract(cls: type[nn.Module]) -> Contract:
    """The contract of a class. Raises ZooError where its `__call__` takes no images, or needs more than them."""
    fields = [field.name for field in dataclasses.fields(cls) if field.init]
    arguments = _arguments_besides_images(cls)
    modes = tuple(name for name in arguments if name in MODES)
    return Contract(
        class_count=class_count_name(fields),
        mode_arguments=modes,
        mode_fields=() if modes else tuple(name for name in fields if name in MODES),
    )


def class_count_name(names: Iterable[str]) -> str:
    """The name, of these, that gives the number of classes; "" if none does."""
    names = set(names)
    return next((name for name in CLASS_COUNTS if name in names), "")


def mode_values(names: Iterable[str], *, train: bool) -> dict[str, bool]:
    """The values of such arguments or fields in training, or in inference."""
    return {name: train is MODES[name] for name in names}


def _arguments_besides_images(cls: type[nn.Module]) -> list[str]:
    """The named arguments of `__call__` after the first."""
    if not any("__call__" in vars(base) for base in cls.__mro__):
        raise ZooError(f"{cls.__name__} has no __call__: define __call__(self, x, *, train=False)")
    _, *parameters = inspect.signature(cls.__call__).parameters.values()
    images = [one for one in parameters if one.kind not in (one.KEYWORD_ONLY, one.VAR_KEYWORD)]
    if not images:
        raise ZooError(f"{cls.__name__}.__call__ takes no images: define __call__(self, x, *, train=False)")
    if images[0].name in MODES:
        raise ZooError(
            f"{cls.__name__}.__call__ takes {images[0].name!r} first: the images come first, before the mode"
        )
    named = [one for one in parameters if one is not images[0] and one.kind not in VARIADIC]
    needed = [one.name for one in named if one.default is one.empty and one.name not in MODES]
    if needed:
        raise ZooError(
            f"{cls.__name__}.__call__ needs {', '.join(map(repr, needed))} besides the images: give defaults to them"
        )
    return [one.name for one in named]
