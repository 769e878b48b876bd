"""What a run is told: the recipe, the options, and the configuration that both become."""
