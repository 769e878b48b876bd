"""The keys of Hugging Face's transformers, whose convolutions and norms have the same names in all of its networks."""

from collections.abc import Iterable, Iterator


def conv_and_norm_rules(network: str, modules: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The rules of a key map for blocks of a convolution and a norm: (ours, theirs in `network`)."""
    for ours, theirs in modules:
        yield f"{ours}/conv", f"{network}.{theirs}.convolution"
        yield f"{ours}/bn", f"{network}.{theirs}.normalization"
