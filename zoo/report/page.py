"""The page of a network, from its parts."""
