"""Names of JAX's primitives, by what they do."""

# Each output depends on the inputs at the same position.
ELEMENTWISE = frozenset(
    """
    abs acos acosh add add_any and asin asinh atan atan2 atanh bessel_i0e bessel_i1e bitcast_convert_type cbrt ceil
    clamp clz complex conj convert_element_type copy copy_p cos cosh device_put digamma div eq eq_to erf erf_inv erfc
    exp exp2 expm1 floor ge gt igamma igammac imag integer_pow is_finite layout_constraint le le_to lgamma log log1p
    log2 logistic lt lt_to max min mul name ne neg nextafter not optimization_barrier or polygamma polynomial
    population_count pow pvary real reduce_precision regularized_incomplete_beta rem round rsqrt select_n
    sharding_constraint shift_left shift_right_arithmetic shift_right_logical sign sin sinh sqrt square stop_gradient
    sub tan tanh xor zeta
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
    dynamic_update_slice gather iota pad random_bits random_fold_in random_gamma random_seed random_split random_unwrap
    random_wrap reduce reshape rev rng_bit_generator scatter scatter-add scatter-max scatter-min scatter-mul scatter-sub
    select_and_gather_add select_and_scatter_add slice sort split squeeze stack threefry2x32 tile top_k transpose
    unstack
    """.split()  # noqa: SIM905 (as a list: one line per word)
)
