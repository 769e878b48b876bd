"""Attention over branches: the weighted sum of several maps, with weights of each channel that sum to one."""

from collections.abc import Sequence

import flax.linen as nn
import jax

from zoo.kernels.broadcast import multiply_broadcast
from zoo.layers import ModuleFactory, global_avg_pool


class BranchAttention(nn.Module):
    """The sum of branches [b, h, w, c], each times a gate of its channels: a softmax over the branches.

    Li et al. 2019 (arXiv:1903.06586), equations 1 to 6; of `groups` cardinal groups, Zhang et al. 2020
    (arXiv:2004.08955), section 3.1. The gates are computed from the means of the sum, by means of `squeezed` channels.
    `conv` makes convolution blocks. Children: `fc1`, with norm and activation, and `fc2`.
    """

    squeezed: int
    conv: ModuleFactory
    groups: int = 1
    use_bias: bool = False

    @nn.compact
    def __call__(self, branches: Sequence[jax.Array], train: bool = False) -> jax.Array:
        count, channels = len(branches), branches[0].shape[-1]
        # A convolution without norm has a bias by default, as the folded one.
        squeeze = self.conv(self.squeezed, 1, groups=self.groups, use_bias=self.use_bias or None, name="fc1")
        excite = self.conv(
            count * channels, 1, groups=self.groups, norm=None, use_bias=self.use_bias, act=None, name="fc2"
        )
        means = global_avg_pool(sum(branches[1:], start=branches[0]))[:, None, None, :]
        # The gates of a cardinal group are beside each other.
        gates = excite(squeeze(means, train)).reshape(-1, self.groups, count, channels // self.groups)
        gates = nn.softmax(gates.swapaxes(1, 2).reshape(-1, count, channels), axis=1)
        first, *rest = (multiply_broadcast(branch, gates[:, i, None, None, :]) for i, branch in enumerate(branches))
        return sum(rest, start=first)
