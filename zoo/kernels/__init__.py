"""Operations in the form that is fastest on the platform; all forms of an operation agree to rounding."""
