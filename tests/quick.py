"""Which networks the default test run computes with: the smallest of each family. `-m slow` has the others."""

import pytest

import zoo


def family(name: str) -> str:
    """The file that a network comes from."""
    build = zoo.model_info(name).build
    return getattr(build, "func", build).__module__


def quick_models() -> set[str]:
    """The network of each family with the fewest parameters, and GoogLeNet."""
    smallest: dict[str, str] = {}
    for name in sorted(zoo.list_models(), key=lambda name: zoo.model_info(name).parameters, reverse=True):
        smallest[family(name)] = name
    return {*smallest.values(), "googlenet"}


QUICK = quick_models()


def computed(names: list[str]) -> list:
    """The names as parameters of a test that computes: all but the quick ones are marked slow."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]
