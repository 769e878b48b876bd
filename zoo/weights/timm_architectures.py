"""timm's architectures whose state dicts have the same keys and shapes, but which compute with other fields of ours.

"tf_" are Google's weights: padding as TensorFlow's, and another epsilon of batch norm. Which of them a file was trained
as, its keys do not tell. The fields are those of timm 1.0's modules.
"""

from collections.abc import Mapping
from typing import Any

from zoo.weights.original_names import TIMM, TIMM_TOO

_V2 = {f"efficientnet_v2_{size}": f"efficientnetv2_{size}" for size in "sml"}

# {our network: {timm's architecture: fields}}
TIMM_ARCHITECTURES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    **{
        name: {name: {}, f"tf_{name}": {"epsilon": 1e-3, "same_padding": True}}
        for name in (f"efficientnet_b{size}" for size in range(5))
    },
    **{
        name: {theirs: {"epsilon": 1e-5}, f"tf_{theirs}": {"same_padding": True}}
        for name, theirs in ({f"efficientnet_b{size}": f"efficientnet_b{size}" for size in (5, 6, 7)} | _V2).items()
    },
    **{
        name: {f"tf_{name}": {}, name: {"epsilon": 1e-5, "same_padding": False}}
        for name in (f"efficientnet_lite{size}" for size in range(5))
    },
}


def architecture_names(model_name: str) -> set[str]:
    """timm's architectures that a network of ours can compute; empty where timm has none."""
    originals = (names[model_name] for names in (TIMM, TIMM_TOO) if model_name in names)
    return {*originals, *TIMM_ARCHITECTURES.get(model_name, {})}


def network_of(architecture: str) -> str | None:
    """Our network that computes what timm's architecture does; None where there is none.

    That which is made for it is preferred to one that computes it with other fields.
    """
    made_for = {theirs: ours for names in (TIMM_TOO, TIMM) for ours, theirs in names.items()}
    with_fields = {theirs: ours for ours, known in TIMM_ARCHITECTURES.items() for theirs in known}
    return made_for.get(architecture) or with_fields.get(architecture)
