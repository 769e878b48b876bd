"""Inception modules as tables: a module is a tuple of parallel branches, and a branch is a tuple of steps.

The tables of Inception v2, v3, v4 and Inception-ResNet are written with `BranchConv`; `run_branch`, `ConvChain` and
`InceptionBranches` turn them into modules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Union

import flax.linen as nn
import jax
import jax.numpy as jnp

from zoo.geometry import Padding, Size, pair
from zoo.layers import ModuleFactory, avg_pool


@dataclass(frozen=True)
class BranchConv:
    """A convolution of a branch. Default padding: half of the kernel, which keeps the size if the stride is 1."""

    name: str
    features: int
    kernel: Size
    stride: int = 1
    padding: Padding | None = None


# A step of a branch: a convolution; "average", the 3x3 average pool with stride 1 (libraries differ in whether its
# padding counts); another function, such as a pool; or parallel branches whose outputs are concatenated.
Step = Union[BranchConv, Literal["average"], Callable[[jax.Array], jax.Array], "tuple[Branch, ...]"]
Branch = tuple[Step, ...]


def run_branch(
    branch: Branch, x: jax.Array, *, train: bool, conv: ModuleFactory, count_include_pad: bool = True
) -> jax.Array:
    """Apply the steps of a branch to x [b, h, w, c]. For compact methods: the convolutions become their submodules.

    `conv` makes the convolution blocks and takes the arguments of `ConvBlock`. `count_include_pad` says whether the
    zeros of the padding count in average pools.
    """
    for step in branch:
        match step:
            case BranchConv():
                kernel = pair(step.kernel)
                padding = (kernel[0] // 2, kernel[1] // 2) if step.padding is None else step.padding
                x = conv(step.features, kernel, step.stride, padding, name=step.name)(x, train)
            case "average":
                x = avg_pool(x, 3, 1, padding=1, count_include_pad=count_include_pad)
            case tuple():
                outputs = [
                    run_branch(parallel, x, train=train, conv=conv, count_include_pad=count_include_pad)
                    for parallel in step
                ]
                x = jnp.concatenate(outputs, axis=-1)
            case _:
                x = step(x)
    return x


class ConvChain(nn.Module):
    """The steps of one branch as a module."""

    steps: Branch
    conv: ModuleFactory

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        return run_branch(self.steps, x, train=train, conv=self.conv)


class InceptionBranches(nn.Module):
    """An Inception module: parallel branches whose outputs are concatenated along the channels."""

    branches: tuple[Branch, ...]
    conv: ModuleFactory
    count_include_pad: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        return run_branch((self.branches,), x, train=train, conv=self.conv, count_include_pad=self.count_include_pad)
