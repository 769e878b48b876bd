"""The form of an operation that is fastest on a platform; the values are the same to rounding."""
