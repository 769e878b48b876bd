"""Features, predictions and evaluations of a trained network."""
