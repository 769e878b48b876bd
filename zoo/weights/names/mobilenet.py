"""To come."""

NAMES = {}
