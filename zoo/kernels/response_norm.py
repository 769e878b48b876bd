"""Local response normalisation, a pure function of arrays [batch, height, width, channel]; `zoo.layers` exports it."""

from functools import partial

import jax
import jax.numpy as jnp

from zoo.counting.marks import one_layer
from zoo.errors import ZooError
from zoo.geometry import pair
from zoo.kernels.arguments import as_images, sum_dtype


@one_layer("local_response_norm")
def local_response_norm(
    x: jax.Array, *, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
) -> jax.Array:
    """x / (k + alpha * sum of x^2 over `size` neighbouring channels) ** beta; the shape and dtype of x.

    Definition and default constants: Krizhevsky et al. 2012, section 3.3. Caffe and torch divide alpha by `size` and
    use k = 1: pass `alpha=1e-4 / 5, k=1` for a network that was trained with Caffe. Computed in float32. Raises
    ZooError where k is not positive, alpha is negative or size is below 1.
    """
    x = as_images(x, "local_response_norm")
    size, _ = pair(size, "size of the response norm", least=1)
    if not (k > 0 and alpha >= 0):
        raise ZooError(f"a response norm needs k > 0 and alpha >= 0, not k={k} and alpha={alpha}")
    return _normalised(x, size, alpha, beta, k)


# A checkpoint keeps x for the backward pass, and no powers in float32.
@partial(jax.checkpoint, static_argnums=(1, 2, 3, 4))
def _normalised(x: jax.Array, size: int, alpha: float, beta: float, k: float) -> jax.Array:
    before = size // 2
    squares = jnp.pad(jnp.square(x.astype(sum_dtype(x))), ((0, 0),) * 3 + ((before, size - 1 - before),))
    total = sum(squares[..., i : i + x.shape[-1]] for i in range(size))
    return (x * (k + alpha * total) ** -beta).astype(x.dtype)
