"""Activations of flax.linen and those that users write, softmax, and what follows logits."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from export.onnx.user_cases.networks import Case
from jax import lax

NAMES = """
    celu elu gelu hard_sigmoid hard_silu hard_swish hard_tanh identity leaky_relu log_sigmoid mish relu relu6 selu
    sigmoid silu soft_sign softplus squareplus sparse_plus standardize swish tanh
""".split()  # noqa: SIM905 (as a list: one line)
FUNCTIONS = {
    **{name: getattr(nn, name, getattr(jax.nn, name, None)) for name in NAMES},
    "celu_2": lambda x: nn.celu(x, 2.0),
    "elu_half": lambda x: nn.elu(x, 0.5),
    "gelu_exact": lambda x: nn.gelu(x, approximate=False),
    "gelu_erf": lambda x: x * 0.5 * (1 + lax.erf(x / jnp.sqrt(2.0))),
    "leaky_relu_03": lambda x: nn.leaky_relu(x, 0.3),
    "leaky_by_max": lambda x: jnp.maximum(x, 0.1 * x),
    "mish": lambda x: x * jnp.tanh(nn.softplus(x)),
    "mish_by_log1p": lambda x: x * jnp.tanh(jnp.log1p(jnp.exp(x))),
    "swish_beta": lambda x: x * nn.sigmoid(1.7 * x),
    "swish_by_exp": lambda x: x / (1 + jnp.exp(-x)),
    "relu_by_where": lambda x: jnp.where(x > 0, x, 0),
    "relu_squared": lambda x: jnp.square(nn.relu(x)),
    "relu_clipped": lambda x: jnp.clip(x, 0, 1.5),
    "threshold": lambda x: jnp.where(x > 0.5, x, 0.25),
    "hard_shrink": lambda x: jnp.where(jnp.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: jnp.sign(x) * jnp.maximum(jnp.abs(x) - 0.5, 0),
    "tanh_shrink": lambda x: x - jnp.tanh(x),
    "sine": lambda x: jnp.sin(30 * x),
    "gaussian": lambda x: jnp.exp(-(x**2)),
    "hard_mish": lambda x: x / 2 * jnp.clip(x + 2, 0, 2),
    "log_1p": lambda x: jnp.log1p(jnp.abs(x)),
    "log_1p_small": lambda x: jnp.log1p(jnp.abs(x) * 1e-6),
    "expm1": lambda x: jnp.expm1(x),
    "expm1_small": lambda x: jnp.expm1(x * 1e-6),
    "erf_inv": lambda x: lax.erf_inv(jnp.tanh(x)),
    "log_sum_exp_2": lambda x: jnp.logaddexp(x, 0.5),
    "log_addexp2": lambda x: jnp.logaddexp2(x, 0.5),
    "power_2": lambda x: x**2,
    "power_5": lambda x: x**5,
    "power_minus_3": lambda x: (1 + jnp.abs(x)) ** -3,
    "power_half": lambda x: jnp.abs(x) ** 0.5,
    "power_0": lambda x: x**0,
    "power_values": lambda x: jnp.abs(x) ** x,
    "arctan2": lambda x: jnp.arctan2(x, 0.5),
    "all_trigonometry": lambda x: jnp.sin(x) + jnp.cos(x) + jnp.tan(x / 9) + jnp.arcsin(jnp.tanh(x)) + jnp.arctan(x),
    "hyperbolic": lambda x: jnp.sinh(x / 2) + jnp.cosh(x / 2) + jnp.arcsinh(x) + jnp.arccosh(1.1 + x**2),
    "roots": lambda x: jnp.sqrt(jnp.abs(x)) + jnp.cbrt(x) + lax.rsqrt(1 + x**2),
    "rounding": lambda x: jnp.round(x * 3) + jnp.floor(x) + jnp.ceil(x * 2) + jnp.trunc(x * 4),
    "round_away": lambda x: lax.round(x * 2.5),
    "modulo": lambda x: jnp.mod(x, 0.7) + jnp.remainder(x, -0.3) + jnp.fmod(x, 0.4),
    "floor_divide": lambda x: x // 0.3,
    "sinc": lambda x: jnp.sinc(x),
    "heaviside": lambda x: jnp.heaviside(x, 0.5),
    "nan_to_num": lambda x: jnp.nan_to_num(x / jnp.where(x > 0, 0, 1)),
    "sign_and_abs": lambda x: jnp.copysign(2.0, x) * jnp.abs(x),
    "xlogy": lambda x: jax.scipy.special.xlogy(jnp.abs(x), jnp.abs(x)),
    "gammaln": lambda x: jax.scipy.special.gammaln(jnp.abs(x) + 1),
    "logit": lambda x: jax.scipy.special.logit(nn.sigmoid(x)),
    "cos_normalized": lambda x: x / jnp.linalg.norm(x, axis=-1, keepdims=True),
    "glu": lambda x: nn.glu(x, axis=-1),
    "maxout": lambda x: x.reshape(*x.shape[:-1], 2, 2).max(-1),
    "crelu": lambda x: jnp.concatenate([nn.relu(x), nn.relu(-x)], -1),
    "swiglu": lambda x: nn.silu(nn.Dense(6)(x)) * nn.Dense(6)(x),
    "prelu": lambda x: nn.PReLU()(x),
}
OUTPUTS = {
    "softmax": (lambda x: nn.softmax(x), {"Softmax": 1, "Exp": 0}),
    "softmax_axis_1": (lambda x: nn.softmax(x, axis=1), {"Softmax": 1, "Exp": 0}),
    "softmax_two_axes": (lambda x: nn.softmax(x, axis=(1, 2)), {}),
    "softmax_by_hand": (lambda x: jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True), {}),
    "softmax_by_hand_stable": (
        lambda x: (lambda e: e / e.sum(-1, keepdims=True))(jnp.exp(x - x.max(-1, keepdims=True))),
        {"Softmax": 1},
    ),
    "softmax_where": (lambda x: nn.softmax(x, where=x > -1), {}),
    "log_softmax": (lambda x: nn.log_softmax(x), {"LogSoftmax": 1, "Exp": 0}),
    "log_of_softmax": (lambda x: jnp.log(nn.softmax(x)), {}),
    "log_sum_exp": (lambda x: jax.nn.logsumexp(x, -1), {}),
    "argmax": (lambda x: x.argmax(-1), {"ArgMax": 1}),
    "argmin_axis_1": (lambda x: x.argmin(1), {}),
    "argmax_all": (lambda x: x.argmax(), {}),
    "top_k": (lambda x: lax.top_k(x, 2)[0], {"TopK": 1}),
    "top_k_indices": (lambda x: lax.top_k(x, 3)[1], {"TopK": 1}),
    "one_hot": (lambda x: nn.one_hot(x.argmax(-1), 4), {}),
    "max_values": (lambda x: x.max((1, 2)), {}),
    "probability_of_class": (lambda x: nn.softmax(x)[..., 1], {}),
    "sort": (lambda x: jnp.sort(x, -1), {}),
    "sort_down": (lambda x: -jnp.sort(-x, 1), {}),
    "argsort": (lambda x: jnp.argsort(x, -1), {}),
    "median": (lambda x: jnp.median(x, -1), {}),
}
REFUSED = ("erf_inv", "arctan2", "sign_and_abs", "gammaln", "sort", "sort_down", "argsort", "median")
REFUSED += ("top_k", "top_k_indices")
CASES = {
    **{name: Case(function, refused=name in REFUSED) for name, function in FUNCTIONS.items()},
    **{name: Case(function, ops=ops, refused=name in REFUSED) for name, (function, ops) in OUTPUTS.items()},
    "pixel_norm": Case(lambda x: x * lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-8)),
}
