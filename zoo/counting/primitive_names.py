"""Names of JAX's primitives, by what they do."""

# Each output depends on the inputs at the same position.
ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bitcast_convert_type cbrt ceil clamp complex conj
    convert_element_type copy copy_p cos cosh device_put digamma div eq erf erf_inv erfc exp exp2 expm1 floor ge gt
    imag integer_pow is_finite layout_constraint le lgamma log log1p logistic lt max min mul name ne neg nextafter not
    optimization_barrier or pow pvary real reduce_precision rem round rsqrt select_n sharding_constraint sign sin sinh
    sqrt square stop_gradient sub tan tanh xor
    """.split()  # noqa: SIM905 (as a list: one line per word)
)
REDUCTIONS = frozenset(f"reduce_{name}" for name in ("sum", "max", "min", "prod", "and", "or", "xor")) | {
    "argmax",
    "argmin",
}
# No multiply-adds either.
DATA_MOVEMENT = frozenset(
    """
    approx_top_k broadcast_in_dim concatenate cumlogsumexp cummax cummin cumprod cumsum dynamic_slice
    dynamic_update_slice gather pad random_bits random_wrap random_unwrap reshape rev scatter scatter-add scatter-max
    scatter-min slice sort split squeeze stack tile top_k transpose unstack
    """.split()  # noqa: SIM905 (as a list: one line per word)
)
