"""The part of the page about every layer’s numbers."""
