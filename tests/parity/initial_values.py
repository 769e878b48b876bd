"""The initial values of a network beside those of its original, made afresh."""

import math
import re
from dataclasses import dataclass

import flax.linen as nn
import jax
import numpy as np
from networks.originals import ORIGINALS, build_original

import zoo
from zoo.models.variables import trace_init
from zoo.weights import from_keras, from_torch
from zoo.weights.key_map import translate
from zoo.weights.key_maps import find_key_map

# A kernel with fewer values is compared only as closely as its number of values allows: a deviation is known to
# 1 / sqrt(2 n) of itself, the ratio of two to 1 / sqrt(n). `SIGMAS` makes a false alarm in 10,000 kernels improbable.
SIGMAS = 5.0
TOLERANCE = 0.05
WITH_AUX_HEADS = ("googlenet_tv", "inception_v3")


def made_afresh(name):
    """(the original as its library makes it, its values as our variables, ours), with auxiliary heads."""
    library = ORIGINALS[name][0]
    original = build_original(name, initialised=True)
    model = zoo.create_model(name, **({"aux_heads": True} if name in WITH_AUX_HEADS else {}))
    if library == "keras":
        theirs = from_keras(name, original, model=model)
    else:
        theirs = from_torch(name, original.state_dict(), library, model=model)
    return original, by_path(theirs), by_path(zoo.init(model, jax.random.key(1)))


def by_path(variables):
    leaves = jax.tree.leaves_with_path(variables)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): np.asarray(leaf, np.float64) for path, leaf in leaves
    }


@dataclass(frozen=True)
class Distribution:
    """The moments of an array's values. `kurtosis` is 3 for a normal distribution, 2.4 where it is cut off at two
    deviations, and 1.8 for a uniform one."""

    count: int
    mean: float
    deviation: float
    kurtosis: float

    @classmethod
    def of(cls, values):
        centred = values - values.mean()
        variance = (centred**2).mean()
        return cls(values.size, values.mean(), math.sqrt(variance), (centred**4).mean() / max(variance**2, 1e-300))


def differences(ours, theirs):
    """A line for each array whose values are not distributed as those of the original."""
    assert set(ours) == set(theirs)
    return [f"{path}: {line}" for path in theirs for line in [difference(ours[path], theirs[path])] if line]


def difference(ours, theirs):
    assert ours.shape == theirs.shape
    if np.ptp(theirs) == 0:
        return "" if (ours == theirs).all() else f"{ours.flat[0]} (std {ours.std()}), not {theirs.flat[0]} everywhere"
    a, b = Distribution.of(ours.ravel()), Distribution.of(without_bounds(theirs.ravel()))
    close = (
        abs(math.log(max(a.deviation, 1e-300) / b.deviation)) < deviation_bound(a.count)
        and abs(a.mean - b.mean) < SIGMAS * math.sqrt(2 / a.count) * b.deviation
        and abs(a.kurtosis - b.kurtosis) < max(0.15, SIGMAS * math.sqrt(48 / a.count))
    )
    return "" if close else f"{a}, not {b}"


def without_bounds(values):
    """The values without the bound of torch's `trunc_normal_`, -2, which it gives once in some hundred thousand values
    of a deviation of 0.02."""
    return values[values > -2] if (values == -2).sum() < 1e-4 * values.size else values


def deviation_bound(count):
    return max(TOLERANCE, SIGMAS / math.sqrt(count))


def common_ratio(ours, theirs):
    """(mean of log(our deviation / theirs) over the small kernels, its standard error): what each is too small for."""
    pairs = [(ours[path], theirs[path]) for path in theirs if np.ptp(theirs[path]) > 0]
    small = [(a, b) for a, b in pairs if deviation_bound(a.size) > TOLERANCE]
    total = sum(a.size for a, _ in small)
    mean = sum(a.size * math.log(a.std() / b.std()) for a, b in small) / max(total, 1)
    return mean, 1 / math.sqrt(max(total, 1))


def our_norms(model):
    """{path: (epsilon, decay of the running statistics or None)} of the norms of a network."""
    found = {}

    def note(call, args, kwargs, context):
        module = context.module
        if context.method_name == "__call__" and isinstance(module, nn.BatchNorm | nn.LayerNorm):
            found["/".join(module.path)] = (module.epsilon, getattr(module, "momentum", None))
        return call(*args, **kwargs)

    with nn.intercept_methods(note):
        trace_init(model)
    return found


def original_norms(name, original, paths):
    """The same of the original, for the norms at our paths."""
    library = ORIGINALS[name][0]
    rules = find_key_map(name, library).rules
    if library == "keras":
        layers = {renumbered: layer for layer, renumbered in keras_layers(original)}
        return {
            path: (layers[translate(path, rules)].epsilon, layers[translate(path, rules)].momentum) for path in paths
        }
    norms = {path: original.get_submodule(translate(path, rules)) for path in paths}
    return {
        path: (norm.eps, 1 - norm.momentum if getattr(norm, "momentum", None) is not None else None)
        for path, norm in norms.items()
    }


def keras_layers(original):
    """The batch norms with their names, of which those that Keras numbers count from the first of the session."""
    norms = [layer for layer in original.layers if type(layer).__name__ == "BatchNormalization"]
    numbered = [layer for layer in norms if re.fullmatch(r"batch_normalization(_\d+)?", layer.name)]
    numbers = sorted(int(layer.name.removeprefix("batch_normalization").lstrip("_") or 0) for layer in numbered)
    for layer in norms:
        # With the scopes around it, which the key maps have.
        name = layer.moving_mean.path.removesuffix("/moving_mean")
        if layer in numbered:
            rank = numbers.index(int(name.removeprefix("batch_normalization").lstrip("_") or 0))
            name = f"batch_normalization_{rank}" if rank else "batch_normalization"
        yield layer, name
