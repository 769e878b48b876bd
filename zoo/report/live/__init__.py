"""A trained network that computes in the page."""
