"""The part of the page about the architecture."""
