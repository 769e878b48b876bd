"""The keys of torch's state dicts: those of our variables, and which of them a file has under what prefix.

Wrappers of a network add a part to its keys: DataParallel, torch.compile and others. A network that is a field of
another has the field's name in front: "model." in Lightning's files, "backbone.", "encoder.". Which prefix it is, the
keys that the network expects tell: nothing else is guessed.
"""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from zoo.errors import ZooError, ZooWarning, list_some
from zoo.models.variables import init_shapes
from zoo.registry import create_model
from zoo.weights.checkpoint_contents import is_ema
from zoo.weights.head_and_aux import with_aux
from zoo.weights.key_map import KeyMap, translate
from zoo.weights.key_maps import find_key_map, known_key_maps
from zoo.weights.variable_tree import TreePath, leaf_of, module_of

# torch's names of the parameters of Conv, Dense and the norms.
LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "mean": "running_mean",
    "var": "running_var",
}

# Parts of a key that are a wrapper's: of DataParallel and AveragedModel, torch.compile, FSDP, activation checkpoints,
# Lightning Fabric, and Opacus. None of our key maps has such a part.
WRAPPERS = frozenset(
    {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module", "_module"}
)
# Counters beside the parameters.
COUNTERS = ("num_batches_tracked", "n_averaged")


# Of a network's keys, a smaller part under some prefix is another network with a few keys of the same names.
MIN_MATCHED = 0.5
# Of a file's keys a few, such as classifier.1.weight, are those of many networks.
MIN_RECOGNISED = 0.05


def torch_key(path: TreePath, key_map: KeyMap) -> str:
    """The state dict's key for a leaf of our variables, by its pytree path (the collection is its first part)."""
    module, leaf = module_of(path), leaf_of(path)
    if leaf in LEAVES:
        return f"{translate(module, key_map.rules)}.{LEAVES[leaf]}"
    return translate(f"{module}/{leaf}", key_map.rules)


@dataclass(frozen=True, eq=False)
class MatchedKeys:
    """The arrays of a network by the keys of the library `key_map`; `others` are the keys outside of the `prefix`."""

    key_map: str
    arrays: Mapping[str, Any]
    prefix: str
    others: tuple[str, ...]


def match_keys(model_name: str, state_dict: Mapping[str, Any], key_map: str | None = None) -> MatchedKeys:
    """The arrays of a state dict by the keys of `key_map` (None: the library that has most of them).

    Wrappers' parts and counters are left out. Where the network's keys have a prefix, what is outside of it does not
    belong to the network and is left out; of two networks the exponential moving average is taken. A ZooWarning says
    so. Raises ZooError where hardly a key is this network's, and where the keys fit two networks or libraries equally.
    """
    expected = _expected_keys(model_name, key_map)
    plain = _without_wrappers(state_dict)
    matches = Counter(
        (library, prefix)
        for key in plain
        for prefix, rest in _splits(key)
        for library, keys in expected.items()
        if rest in keys
    )
    if max(matches.values(), default=0) <= MIN_RECOGNISED * len(plain):
        kernels = {library: next(key for key in keys if key.endswith("weight")) for library, keys in expected.items()}
        examples = ", ".join(f"{key} ({library})" for library, key in kernels.items())
        raise ZooError(
            f"not the weights of {model_name}: expected keys such as {examples}; "
            f"its own keys are {list_some(state_dict, 5)}"
        )
    most = max(matches.values())
    best = [pair for pair, count in matches.items() if count == most]
    libraries = [library for library in expected if any(library == other for other, _ in best)]
    library = _one_library(model_name, libraries)
    if most < MIN_MATCHED * len(expected[library]):
        return MatchedKeys(library, plain, "", ())
    prefix = _one_prefix(model_name, {prefix for other, prefix in best if other == library})
    arrays = {key.removeprefix(prefix): plain[key] for key in plain if key.startswith(prefix)}
    others = tuple(key for key in plain if not key.startswith(prefix))
    if others:
        text = f"{model_name}: the keys {prefix}* are read, and not {list_some(others)}"
        warnings.warn(text, ZooWarning, stacklevel=2)
    return MatchedKeys(library, arrays, prefix, others)


def _expected_keys(model_name: str, key_map: str | None) -> dict[str, dict[str, None]]:
    """{library: the keys there}, in the order of our variables, with those of auxiliary heads."""
    libraries = [key_map] if key_map else [library for library in known_key_maps(model_name) if library != "keras"]
    if not libraries:
        raise ZooError(
            f"no library's torch weights are known for {model_name}: give a weights file of zoo, as "
            "zoo.weights.save and `zoo convert RUN` write it"
        )
    key_maps = {library: find_key_map(model_name, library) for library in libraries}
    return {library: dict.fromkeys(_keys(model_name, found)) for library, found in key_maps.items()}


def _keys(model_name: str, key_map: KeyMap) -> Iterator[str]:
    shapes = init_shapes(with_aux(create_model(model_name, **key_map.fields)))
    return (torch_key(path, key_map) for path, _ in jax.tree.leaves_with_path(shapes))


def _without_wrappers(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """The state dict without counters and without the parts of keys that are a wrapper's.

    Raises ZooError where two keys become one: a network and its wrapped copy.
    """
    plain: dict[str, Any] = {}
    for key, array in state_dict.items():
        if not isinstance(key, str):
            raise ZooError(f"the state dict has the key {key!r}: its keys are text, such as 'conv1.weight'")
        parts = key.split(".")
        if parts[-1] in COUNTERS:
            continue
        without = ".".join(part for part in parts if part not in WRAPPERS)
        if without in plain:
            raise ZooError(f"the state dict has {key} and another key for {without}: save one network alone")
        plain[without] = array
    return plain


def _splits(key: str) -> Iterator[tuple[str, str]]:
    """("", "a.b"), ("a.", "b") for "a.b"."""
    parts = key.split(".")
    for start in range(len(parts)):
        rest = ".".join(parts[start:])
        yield key[: len(key) - len(rest)], rest


def _one_library(model_name: str, libraries: list[str]) -> str:
    """The first, where all of them mean the same by their keys. Raises ZooError where they do not."""
    first, *others = (find_key_map(model_name, library) for library in libraries)
    if any(other != first for other in others):
        raise ZooError(f"the keys fit {model_name} of {' and of '.join(libraries)}: say whose they are with key_map=")
    return libraries[0]


def _one_prefix(model_name: str, prefixes: set[str]) -> str:
    """The only one, or the one of an exponential moving average. Raises ZooError where there are several."""
    averages = {prefix for prefix in prefixes if is_ema(prefix)}
    chosen = averages or prefixes
    if len(chosen) > 1:
        names = ", ".join(repr(prefix) for prefix in sorted(chosen))
        raise ZooError(f"the state dict holds {model_name} several times, under {names}: save one network alone")
    return chosen.pop()
