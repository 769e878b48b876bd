"""PCA lighting of AlexNet (Krizhevsky et al. 2012, section 4.1): colors are shifted along their main directions."""

import jax
import jax.numpy as jnp

# Of the pixels of ImageNet in 0..1, as in Torch's fb.resnet.torch and most programs since. A column of DIRECTIONS
# (red, green, blue) is the direction of an eigenvalue.
EIGENVALUES = (0.2175, 0.0188, 0.0045)
DIRECTIONS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


def lighting(key: jax.Array, images: jax.Array, deviation: float) -> jax.Array:
    """RGB images [batch, height, width, 3] in 0..1, to each of which one random color is added; not cut off at 0 or 1.

    It is the sum of the directions, each times its eigenvalue and a normal number of that standard `deviation`.
    """
    draws = deviation * jax.random.normal(key, (len(images), len(EIGENVALUES)), jnp.float32)
    return images + shifts(draws).astype(images.dtype)[:, None, None, :]


def shifts(draws: jax.Array) -> jax.Array:
    """float32 [batch, 3]: the colors that are added for draws [batch, 3]."""
    weighted = draws * jnp.array(EIGENVALUES, jnp.float32)
    return jnp.einsum("bi,ci->bc", weighted, jnp.array(DIRECTIONS, jnp.float32), precision="highest")
