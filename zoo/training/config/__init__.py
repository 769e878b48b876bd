"""The settings of a run: recipe, options, and the configuration that is stored with it."""
