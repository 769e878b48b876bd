"""The two hidden dense layers of AlexNet and VGG."""

import jax
import jax.numpy as jnp

from zoo.initializers import InitialValues
from zoo.layers import Activation, Dense, Dropout


def hidden_dense_layers(
    x: jax.Array,
    *,
    train: bool,
    dropout: float,
    act: Activation,
    initial_values: InitialValues,
    dtype: jnp.dtype,
    features: int = 4096,
) -> jax.Array:
    """Layers `fc6` and `fc7`: [b, n] to [b, features], with `train` dropout before each. Call it in a compact method.

    Krizhevsky et al. 2012, section 3.5; Simonyan and Zisserman 2014, Table 1.
    """
    for name in ("fc6", "fc7"):
        x = Dropout(dropout, deterministic=not train, name=f"{name}_dropout")(x)
        dense = Dense(
            features,
            kernel_init=initial_values.dense_kernel,
            bias_init=initial_values.hidden_bias or initial_values.dense_bias,
            dtype=dtype,
            name=name,
        )
        x = act(dense(x))
    return x
