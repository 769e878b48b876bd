"""How the weights were trained: curves, confusion table, mistakes, recipe."""
